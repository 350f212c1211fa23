import { must } from '../core/must.ts';
import type { SpaceToDepthOp } from '../graph/types.ts';
import { copyLoops } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/** Copies the rows of blocks: their pixels lie next to each other on both sides. */
export const spaceToDepth: Kernel<SpaceToDepthOp> = {
  name: 'space-to-depth',
  op: 'spaceToDepth',
  summary: 'copy of the rows of blocks',
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 4),
  pack: () => nothingPacked,
  view: ({ node, inputs, output }) => {
    const x = must(inputs[0], 'x');
    const { block } = node.op;
    return copyLoops([
      { count: output.height, strides: [block * x.rowStride, output.rowStride] },
      { count: block, strides: [x.rowStride, block * x.channels] },
      { count: output.width, strides: [block * x.pixelStride, output.pixelStride] },
      { count: block, strides: [x.pixelStride, x.channels] },
      { count: x.channels, strides: [1, 1] },
    ]);
  },
};
