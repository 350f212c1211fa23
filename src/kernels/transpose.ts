import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { TransposeOp } from '../graph/types.ts';
import { copiedLoops, copyInstructions, copyView } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { denseOperand, nothingPacked } from './simple.ts';

/** Copies runs where the last axis stays last, registers where few parts take turns (a channel shuffle), else elements one by one. */
export const transpose: Kernel<TransposeOp> = {
  name: 'transpose',
  op: 'transpose',
  summary: 'strided copy in the order of the output',
  misfit: () => undefined,
  cost: (node, graph) => {
    const [x, y] = [must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node)].map(({ shape }) => denseOperand(shape));
    return { instructions: copyInstructions(copiedLoops(outputOf(graph, node).shape, x!, y!, node.op.perm)) };
  },
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) =>
    copyView(outputOf(graph, node).shape, must(inputs[0], 'x'), output, node.op.perm),
};
