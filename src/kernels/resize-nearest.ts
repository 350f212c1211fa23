import { must } from '../core/must.ts';
import { inputsOf } from '../graph/build.ts';
import type { ResizeOp } from '../graph/types.ts';
import { nearestIndices } from '../ops/resize-positions.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit } from './pool.ts';
import { perSixteen } from './simple.ts';

/** Copies the channels of the nearest pixel; a row like the one before is copied from there. */
export const resizeNearest: Kernel<ResizeOp> = {
  name: 'resize-nearest',
  op: 'resize',
  summary: 'copy of the nearest pixel, of equal rows as a whole',
  misfit: (node, graph) => (node.op.mode === 'nearest' ? batchMisfit(node, graph) : 'it interpolates'),
  cost: (node, graph) => perSixteen(node, graph, 5),
  pack: (node, graph) => {
    const [, height, width] = must(inputsOf(graph, node)[0], 'x').shape as [number, number, number];
    return {
      arrays: [
        { name: 'rows', data: Int32Array.from(nearestIndices(node.op, 0, height)), comment: 'row of each output row' },
        {
          name: 'columns',
          data: Int32Array.from(nearestIndices(node.op, 1, width)),
          comment: 'column of each output column',
        },
      ],
    };
  },
  view: ({ inputs, output, arrayName }) => ({
    rows: arrayName('rows'),
    columns: arrayName('columns'),
    x: must(inputs[0], 'x'),
    y: output,
    dense: output.pixelStride === output.channels,
    rowBytes: output.width * output.channels,
  }),
};
