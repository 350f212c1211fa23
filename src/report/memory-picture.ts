import type { Manifest } from '../emit/manifest.ts';
import { svgOf } from './svg.ts';

/** The arena as an SVG: from left to right the steps of a run, from bottom to top its bytes; a box for each buffer. */
export function memoryPicture({ arena }: Pick<Manifest, 'arena'>): Promise<string> {
  const values = arena.map.map(({ offset, bytes, first, last, tensors }) => ({
    first,
    // A buffer is in use until its last step is over.
    end: last + 1,
    offset,
    top: offset + bytes,
    name: tensors.join(', '),
  }));
  const steps = Math.max(...values.map(({ end }) => end));
  return svgOf({
    width: 680,
    height: 220,
    background: 'white',
    layer: [
      {
        data: { values },
        mark: { type: 'rect', stroke: 'white', color: '#4c78a8' },
        encoding: {
          x: {
            field: 'first',
            type: 'quantitative',
            title: 'step',
            axis: { tickMinStep: 1, format: 'd' },
            scale: { domain: [0, steps], nice: false },
          },
          x2: { field: 'end' },
          y: { field: 'offset', type: 'quantitative', title: 'bytes of the arena' },
          y2: { field: 'top' },
          tooltip: { field: 'name', type: 'nominal' },
        },
      },
      {
        data: { values: [{ bytes: arena.bytes }] },
        mark: { type: 'rule', strokeDash: [5, 4], color: '#555' },
        encoding: { y: { field: 'bytes', type: 'quantitative' } },
      },
    ],
  });
}
