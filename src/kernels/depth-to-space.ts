import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { DepthToSpaceOp } from '../graph/types.ts';
import { channelSteps } from '../ops/depth-to-space.ts';
import { copyInstructions, copyLoops } from './copy.ts';
import type { Kernel, Operand } from './kernel.ts';
import type { Loop } from './loops.ts';
import { denseOperand, nothingPacked } from './simple.ts';

/** Copies channels to the rows and columns of their blocks: in runs in the order DCR. */
export const depthToSpace: Kernel<DepthToSpaceOp> = {
  name: 'depth-to-space',
  op: 'depthToSpace',
  summary: 'strided copy in the order of the output',
  misfit: () => undefined,
  cost: (node, graph) => {
    const [x, y] = [must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node)].map(({ shape }) => denseOperand(shape));
    return { instructions: copyInstructions(blockLoops(node.op, x!, y!)) };
  },
  pack: () => nothingPacked,
  view: ({ node, inputs, output }) => copyLoops(blockLoops(node.op, must(inputs[0], 'x'), output)),
};

function blockLoops(op: DepthToSpaceOp, x: Operand, y: Operand): Loop[] {
  const { block } = op;
  const [row, column, step] = channelSteps(op, y.channels);
  return [
    { count: x.height, strides: [x.rowStride, block * y.rowStride] },
    { count: block, strides: [row, y.rowStride] },
    { count: x.width, strides: [x.pixelStride, block * y.pixelStride] },
    { count: block, strides: [column, y.pixelStride] },
    { count: y.channels, strides: [step, 1] },
  ];
}
