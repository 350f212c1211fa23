import { must } from '../core/must.ts';
import type { MaxPoolOp } from '../graph/types.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit, blocksOf, poolView } from './pool.ts';
import { nothingPacked } from './simple.ts';

/** Channels in the lanes; windows are cut off at the edges, since padding never wins. */
export const maxPool: Kernel<MaxPoolOp> = {
  name: 'max-pool',
  op: 'maxPool',
  summary: 'channels in the lanes, 16 at a time',
  misfit: batchMisfit,
  cost: (node, graph) => ({
    instructions: 20 + blocksOf(node, graph) * (6 + 2 * node.op.kernel[0] * node.op.kernel[1]),
  }),
  pack: () => nothingPacked,
  view: ({ node, inputs, output }) => poolView(node, must(inputs[0], 'x'), output),
};
