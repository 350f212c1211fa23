import { must } from '../core/must.ts';
import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import { packUnproven } from './baseline.ts';
import { type Geometry, geometryOf, type ReductionNode } from './k-lanes/geometry.ts';
import { type Prepared, prepare, weightsComment } from './k-lanes/prepare.ts';
import { chooseTile, likelyPlane, mostPixels, pixelsOf, planeOf, type Tile, tilesOf } from './k-lanes/tile.ts';
import { viewWithTile } from './k-lanes/view.ts';
import type { Cost, Kernel, Packed, ViewContext } from './kernel.ts';

/**
 * The strongest 32-bit accumulation that existing libraries use, as a measure for ours: K in the lanes, two products summed
 * in 16 bits (`smull`, `smlal2`), then added into 32 bits (`sadalp`). Never selected, but by `bench --baseline`.
 */
const shared = {
  name: 'baseline-pairs',
  summary: 'baseline: two products in 16 bits, then 32-bit sums',
  pack,
  cost,
  view,
} as const;

function pack(node: ReductionNode, graph: Graph): Packed {
  const { packed } = prepare(node, graph);
  return packUnproven(node, graph, packed.channelOf, { data: packed.data, comment: weightsComment(packed) });
}

/** −128 · −128 twice leaves 16 bits: existing kernels of this form are wrong there (peers.json), this one does not fit. */
function misfit(g: Geometry): string | undefined {
  if (g.reduction.depthwise) return 'depthwise';
  return g.xRange.lo === -128 && g.weights.includes(-128) ? 'two products of -128 with -128 leave 16 bits' : undefined;
}

/** 32 bytes of K: three instructions for each pixel, channel and 16 bytes; loads in pairs; loop. */
function costOf({ walk }: Prepared): (tile: Tile) => number {
  return (tile) => {
    const pixels = pixelsOf(tile);
    return (walk.steps / 2) * (pixels * 24 + 4 + pixels + 1) + 24 + pixels * 12;
  };
}

function cost(node: ReductionNode, graph: Graph): Cost {
  const p = prepare(node, graph);
  const plane = likelyPlane(p.geometry);
  const tile = chooseTile(plane, mostPixels, costOf(p));
  return { instructions: p.packed.tiles * tilesOf(plane, tile) * costOf(p)(tile) };
}

function view(context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) {
  const p = prepare(context.node, context.graph);
  const plane = planeOf(p.geometry, must(context.inputs[0], 'input'), context.output);
  const whole = { ...p, partition: { kind: 'whole' } } as const;
  const tile = chooseTile(plane, mostPixels, costOf(p));
  return { ...viewWithTile(context, 'baseline-pairs', whole, plane, tile), add: 'accumulate_pairs' };
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
