import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import type { ReductionNode } from './k-lanes/geometry.ts';
import { innerLoopFor } from './k-lanes/inner-loop.ts';
import { packReduction, prepare } from './k-lanes/prepare.ts';
import { kLanesView } from './k-lanes/view.ts';
import type { Kernel, ViewContext } from './kernel.ts';

/**
 * As `conv-k-lanes`, with flushes: at proven places each accumulator's lanes are added pairwise into 32-bit lanes of its own
 * (`vpadalq_s16`), and the next products start it anew. Three pixels × four channels are 12 accumulators of either kind.
 */
const shared = {
  name: 'conv-k-lanes-flush',
  summary: 'products in 8 lanes of 16 bits, flushed into 32 bits where the weights need it',
  misfit,
  cost: (node: ReductionNode, graph: Graph, target: Target) => ({
    instructions: innerLoopFor(target).instructions(prepare(node, graph)),
  }),
  pack: packReduction,
  view: (context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) => kLanesView(context, 'conv-k-lanes-flush'),
} as const;

function misfit(node: ReductionNode, graph: Graph): string | undefined {
  if (node.op.integer?.requant === 'fixed16') return 'requantizes in 16 bits';
  return prepare(node, graph).partition.kind === 'whole' ? 'its weights need no flush' : undefined;
}

export const convKLanesFlush: Kernel<Conv2dOp> = { ...shared, op: 'conv2d', border: (node) => node.op.pads };

export const fullyConnectedKLanesFlush: Kernel<FullyConnectedOp> = { ...shared, op: 'fullyConnected' };
