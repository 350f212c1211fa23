import type { Conv2dOp, FullyConnectedOp } from '../graph/types.ts';
import type { ReductionNode } from './k-lanes/geometry.ts';
import { type Prepared, packReduction, prepare } from './k-lanes/prepare.ts';
import { type Tile, tileCost } from './k-lanes/tile.ts';
import { kLanesView, predictedInstructions } from './k-lanes/view.ts';
import type { Kernel } from './kernel.ts';

/**
 * As `conv-k-lanes`, with flushes: at proven places the lanes of a pixel's four channels are added into 32 bits. They are
 * reduced to one vector of four sums there, so that the 32-bit sums need a register a pixel, not one an accumulator.
 */
const shared = {
  name: 'conv-k-lanes-flush',
  summary: 'products in 8 lanes of 16 bits, flushed into 32 bits where the weights need it',
  pack: packReduction,
  view: kLanesView,
  misfit: (node: ReductionNode) => (node.op.integer?.requant === 'fixed16' ? 'requantizes in 16 bits' : undefined),
} as const;

function flushCost(p: Prepared): (tile: Tile) => number {
  const flushes = p.segments.length;
  return (tile) => tileCost(tile, p.packed.walk.steps) + flushes * (12 + tile.height * tile.width * 12);
}

export const convKLanesFlush: Kernel<Conv2dOp> = {
  ...shared,
  op: 'conv2d',
  cost: (node, graph) => {
    const p = prepare(node, graph);
    return { instructions: predictedInstructions(p, flushCost(p)) };
  },
  border: (node) => node.op.pads,
};

export const fullyConnectedKLanesFlush: Kernel<FullyConnectedOp> = {
  ...shared,
  op: 'fullyConnected',
  cost: (node, graph) => {
    const p = prepare(node, graph);
    return { instructions: predictedInstructions(p, flushCost(p)) };
  },
};
