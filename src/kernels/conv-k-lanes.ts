import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import type { ReductionNode } from './k-lanes/geometry.ts';
import { innerLoopFor } from './k-lanes/inner-loop.ts';
import { packReduction, prepare } from './k-lanes/prepare.ts';
import { kLanesView } from './k-lanes/view.ts';
import type { Kernel, ViewContext } from './kernel.ts';

/**
 * Direct convolution with K in the lanes: no im2col, since the bytes of a kernel's row are contiguous in N×H×W×C; one
 * reduction of the lanes at the end, none before (DESIGN §6). Also fully connected layers: 1×1 over M pixels.
 */
const shared = {
  name: 'conv-k-lanes',
  summary: 'products in 8 lanes of 16 bits, no flush',
  misfit,
  cost: (node: ReductionNode, graph: Graph, target: Target) => ({
    instructions: innerLoopFor(target).instructions(prepare(node, graph)),
  }),
  pack: packReduction,
  view: (context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) => kLanesView(context, 'conv-k-lanes'),
} as const;

function misfit(node: ReductionNode, graph: Graph): string | undefined {
  if (node.op.integer?.requant === 'fixed16') return 'requantizes in 16 bits';
  return prepare(node, graph).partition.kind === 'whole' ? undefined : 'its weights need a flush before the end';
}

export const convKLanes: Kernel<Conv2dOp> = { ...shared, op: 'conv2d', border: (node) => node.op.pads };

export const fullyConnectedKLanes: Kernel<FullyConnectedOp> = { ...shared, op: 'fullyConnected' };
