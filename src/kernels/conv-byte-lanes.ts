import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import { packByteLanes, prepareBytes } from './byte-lanes/prepare.ts';
import { byteLanesCost } from './byte-lanes/tile.ts';
import { byteLanesView } from './byte-lanes/view.ts';
import { speaksOfByteLanes } from './byte-lanes/walk.ts';
import { geometryOf, type ReductionNode } from './k-lanes/geometry.ts';
import type { Cost, Kernel } from './kernel.ts';

/**
 * As `conv-k-lanes`, with 8-bit accumulators: `vmlaq_s8` adds 16 products to 16 lanes. At proven places the lanes of a
 * pixel's four channels are reduced to one vector of four 32-bit sums, so that these need a register a pixel; on the way
 * eight lanes at a time are added up in 16 bits, the second level of the proof. Keeping 16-bit sums across flushes
 * (`vpadalq_s8`) would need as many registers again as the tile has accumulators.
 */
const shared = {
  name: 'conv-byte-lanes',
  summary: 'products in 16 lanes of 8 bits, flushed into 32 bits by way of 16',
  pack: packByteLanes,
  view: byteLanesView,
  misfit,
  cost,
} as const;

function misfit(node: ReductionNode, graph: Graph): string | undefined {
  const g = geometryOf(node, graph);
  if (g.integer.requant === 'fixed16') return 'requantizes in 16 bits';
  if (g.integer.mode !== 'proven') return 'nothing proves lanes of 8 bits';
  return speaksOfByteLanes(g.integer.accumulator, g) ? undefined : 'it is not quantized for 16 lanes of 8 bits';
}

/** Some cores take longer over a multiplication of 16 bytes than over the 8 of `smlal`. */
function cost(node: ReductionNode, graph: Graph, target: Target): Cost {
  const { geometry, packed } = prepareBytes(node, graph);
  const { instructions, byteMultiplies } = byteLanesCost(geometry, packed, target);
  return { instructions, slots: instructions + (target.byteMultiplySlots - 1) * byteMultiplies };
}

export const convByteLanes: Kernel<Conv2dOp> = { ...shared, op: 'conv2d', border: (node) => node.op.pads };

export const fullyConnectedByteLanes: Kernel<FullyConnectedOp> = { ...shared, op: 'fullyConnected' };
