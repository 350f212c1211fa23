import type { Tensor } from '../graph/types.ts';
import type { Importer } from './source.ts';

/** N×C×H×W or N×C×L to N×H×W×C; L becomes W, with H = 1. */
export function emitChannelsLast(im: Importer, x: Tensor): Tensor {
  const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
  const planes = spatial.length === 1 ? im.emit({ kind: 'reshape', shape: [n, c, 1, spatial[0]!] }, [x.id]) : x;
  return im.emit({ kind: 'transpose', perm: [0, 2, 3, 1] }, [planes.id]);
}

/** The way back from N×H×W×C, to N×C×H×W (`rank` 2) or N×C×W (`rank` 1). */
export function emitChannelsFirst(im: Importer, y: Tensor, rank: number): Tensor {
  const planes = im.emit({ kind: 'transpose', perm: [0, 3, 1, 2] }, [y.id]);
  if (rank === 2) return planes;
  const [n, c, , w] = planes.shape as [number, number, number, number];
  return im.emit({ kind: 'reshape', shape: [n, c, w] }, [planes.id]);
}
