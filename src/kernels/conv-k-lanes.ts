import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import { geometryOf, type ReductionNode } from './k-lanes/geometry.ts';
import { packReduction, prepare, runningSegments } from './k-lanes/prepare.ts';
import { tileCost } from './k-lanes/tile.ts';
import { kLanesView, predictedInstructions } from './k-lanes/view.ts';
import type { Kernel } from './kernel.ts';

/**
 * Direct convolution with K in the lanes: no im2col, since the bytes of a kernel's row are contiguous in N×H×W×C; one
 * reduction of the lanes at the end, none before (DESIGN §6). Also fully connected layers: 1×1 over M pixels.
 */
const shared = {
  name: 'conv-k-lanes',
  summary: 'products in 8 lanes of 16 bits, no flush',
  pack: packReduction,
  view: kLanesView,
} as const;

function misfit(node: ReductionNode, graph: Graph): string | undefined {
  if (node.op.integer?.requant === 'fixed16') return 'requantizes in 16 bits';
  return runningSegments(geometryOf(node, graph)).length > 1 ? 'its weights need a flush before the end' : undefined;
}

export const convKLanes: Kernel<Conv2dOp> = {
  ...shared,
  op: 'conv2d',
  misfit,
  cost: (node, graph) => {
    const p = prepare(node, graph);
    return { instructions: predictedInstructions(p, (tile) => tileCost(tile, p.packed.walk.steps)) };
  },
  border: (node) => node.op.pads,
};

export const fullyConnectedKLanes: Kernel<FullyConnectedOp> = {
  ...shared,
  op: 'fullyConnected',
  misfit,
  cost: (node, graph) => {
    const p = prepare(node, graph);
    return { instructions: predictedInstructions(p, (tile) => tileCost(tile, p.packed.walk.steps)) };
  },
};
