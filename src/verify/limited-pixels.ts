import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import { pixelSumOf } from '../proof/pixel-sums.ts';

/** Pixels whose channels add up to `sum` at most, as a `diffuse` keeps it: inputs beyond that may overflow. */
export interface LimitedPixels {
  /** Of a pixel: they follow one another. */
  readonly channels: number;
  readonly sum: number;
  /** What sums are counted from, and how far a channel is above it at most. */
  readonly lowest: number;
  readonly steps: number;
}

/** Undefined where nothing is kept. */
export function limitedPixelsOf(graph: Graph, id: TensorId): LimitedPixels | undefined {
  const sum = pixelSumOf(graph, id);
  if (sum === undefined) return undefined;
  const x = tensorOf(graph, id);
  const { qmin, qmax } = quantOf(x);
  return { channels: must(x.shape.at(-1), 'channels'), sum, lowest: qmin, steps: qmax - qmin };
}

/** The values, lowered in place: channels in order keep theirs while there is room, in each pixel from another one on. */
export function keepSums(values: Int8Array, { channels, sum, lowest }: LimitedPixels): Int8Array {
  for (let pixel = 0; pixel * channels < values.length; pixel++) {
    let room = sum;
    for (let i = 0; i < channels; i++) {
      const at = pixel * channels + ((pixel + i) % channels);
      const u = Math.min(values[at]! - lowest, room);
      values[at] = lowest + u;
      room -= u;
    }
  }
  return values;
}
