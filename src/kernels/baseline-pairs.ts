import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import { packUnproven } from './baseline.ts';
import { type Geometry, geometryOf, type ReductionNode } from './k-lanes/geometry.ts';
import { packWeights } from './k-lanes/pack.ts';
import { prepare } from './k-lanes/prepare.ts';
import { type Tile, tileChannels } from './k-lanes/tile.ts';
import { kLanesView, predictedInstructions } from './k-lanes/view.ts';
import type { Cost, Kernel, Packed } from './kernel.ts';

/**
 * The strongest 32-bit accumulation that existing libraries use, as a measure for ours: K in the lanes, two products summed
 * in 16 bits (`smull`, `smlal2`), then added into 32 bits (`sadalp`). Never selected, but by `bench --baseline`.
 */
const shared = {
  name: 'baseline-pairs',
  summary: 'baseline: two products in 16 bits, then 32-bit sums',
  pack,
  cost,
  view: kLanesView,
} as const;

function pack(node: ReductionNode, graph: Graph): Packed {
  const g = geometryOf(node, graph);
  const packed = packWeights(g.weights, g.reduction.channels, g.walk, tileChannels, g.groups);
  const comment = `[${packed.tiles} tiles][${packed.walk.steps} blocks][${tileChannels} channels][16 products]`;
  return packUnproven(node, graph, packed.channelOf, { data: packed.data, comment });
}

/** −128 · −128 twice leaves 16 bits: existing kernels of this form are wrong there (peers.json), this one does not fit. */
function misfit(g: Geometry): string | undefined {
  if (g.reduction.depthwise) return 'depthwise';
  return g.xRange.lo === -128 && g.weights.includes(-128) ? 'two products of -128 with -128 leave 16 bits' : undefined;
}

function cost(node: ReductionNode, graph: Graph): Cost {
  const p = prepare(node, graph);
  const { steps } = p.packed.walk;
  // 32 bytes of K: three instructions for each pixel, channel and 16 bytes; loads in pairs; loop.
  const costOf = (pixels: number) => (steps / 2) * (pixels * 24 + 4 + pixels + 1) + 24 + pixels * 12;
  return { instructions: predictedInstructions(p, (tile: Tile) => costOf(tile.height * tile.width)) };
}

export const convPairs: Kernel<Conv2dOp> = {
  ...shared,
  op: 'conv2d',
  misfit: (node, graph) => misfit(geometryOf(node, graph)),
  border: (node) => node.op.pads,
};

export const fullyConnectedPairs: Kernel<FullyConnectedOp> = {
  ...shared,
  op: 'fullyConnected',
  misfit: (node, graph) => misfit(geometryOf(node, graph)),
};
