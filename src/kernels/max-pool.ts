import { must } from '../core/must.ts';
import type { MaxPoolOp } from '../graph/types.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit, blocksOf, mostPositions, poolView } from './pool.ts';
import { nothingPacked } from './simple.ts';

/** Channels in the lanes; windows are cut off at the edges, since padding never wins. */
export const maxPool: Kernel<MaxPoolOp> = {
  name: 'max-pool',
  op: 'maxPool',
  summary: 'channels in the lanes, 16 at a time',
  misfit: batchMisfit,
  cost: (node, graph) => ({ instructions: 20 + blocksOf(node, graph) * blockInstructions(node.op) }),
  pack: () => nothingPacked,
  view: ({ node, inputs, output }) => poolView(node, must(inputs[0], 'x'), output),
};

/** Of one window and 16 channels: loads and maxima written out, or in a loop over the rows that lie inside the input. */
function blockInstructions({ kernel: [height, width], pads }: MaxPoolOp): number {
  const positions = height * width;
  const isWritten = positions <= mostPositions && pads.every((pad) => pad === 0);
  return isWritten ? 2.75 + 1.875 * positions : 10 + 5.5 * positions + 4 * height;
}
