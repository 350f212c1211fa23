import { must } from '../core/must.ts';
import { outputOf } from '../graph/build.ts';
import type { TransposeOp } from '../graph/types.ts';
import { copyView } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, outputSize } from './simple.ts';

/** Copies elements one by one, or in runs where the last axis stays last. */
export const transpose: Kernel<TransposeOp> = {
  name: 'transpose',
  op: 'transpose',
  summary: 'strided copy in the order of the output',
  misfit: () => undefined,
  cost: (node, graph) => ({ instructions: 20 + 4 * outputSize(node, graph) }),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) =>
    copyView(outputOf(graph, node).shape, must(inputs[0], 'x'), output, node.op.perm),
};
