import { must } from '../core/must.ts';
import { outputOf } from '../graph/build.ts';
import type { DepthToSpaceOp } from '../graph/types.ts';
import { channelSteps } from '../ops/depth-to-space.ts';
import { copyLoops } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, outputSize } from './simple.ts';

/** Copies channels to the rows and columns of their blocks. */
export const depthToSpace: Kernel<DepthToSpaceOp> = {
  name: 'depth-to-space',
  op: 'depthToSpace',
  summary: 'strided copy in the order of the output',
  misfit: () => undefined,
  cost: (node, graph) => ({ instructions: 20 + 4 * outputSize(node, graph) }),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const x = must(inputs[0], 'x');
    const { block } = node.op;
    const channels = must(outputOf(graph, node).shape.at(-1), 'channels');
    const [row, column, step] = channelSteps(node.op, channels);
    return copyLoops([
      { count: x.height, strides: [x.rowStride, block * output.rowStride] },
      { count: block, strides: [row, output.rowStride] },
      { count: x.width, strides: [x.pixelStride, block * output.pixelStride] },
      { count: block, strides: [column, output.pixelStride] },
      { count: channels, strides: [step, 1] },
    ]);
  },
};
