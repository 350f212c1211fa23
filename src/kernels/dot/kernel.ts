import type { Conv2dOp, FullyConnectedOp, Graph } from '../../graph/types.ts';
import { type Feature, hasFeature, type Target } from '../../targets/target.ts';
import { geometryOf, type ReductionNode } from '../k-lanes/geometry.ts';
import { likelyPlane, tilesOf } from '../k-lanes/tile.ts';
import type { Kernel, ViewContext } from '../kernel.ts';
import type { GroupBytes } from './pack.ts';
import { packDot, prepareGroups } from './prepare.ts';
import { chooseDotTile } from './tile.ts';
import { dotView } from './view.ts';

interface DotKernel {
  readonly name: string;
  readonly summary: string;
  readonly feature: Feature;
  readonly groupBytes: GroupBytes;
}

/** The kernels of both operators that sum in 32 bits by an instruction of newer cores. */
export function dotKernels(own: DotKernel): { conv: Kernel<Conv2dOp>; fullyConnected: Kernel<FullyConnectedOp> } {
  const { name, summary, feature, groupBytes } = own;
  const shared = {
    name,
    summary,
    feature,
    misfit: (node: ReductionNode, graph: Graph, target: Target) => misfit(own, node, graph, target),
    cost: (node: ReductionNode, graph: Graph) => ({ instructions: instructionsOf(own, node, graph) }),
    pack: (node: ReductionNode, graph: Graph) => packDot(node, graph, groupBytes),
    view: (context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) => dotView(context, groupBytes, name),
  };
  return {
    conv: { ...shared, op: 'conv2d', border: (node) => node.op.pads },
    fullyConnected: { ...shared, op: 'fullyConnected' },
  };
}

function misfit({ feature, groupBytes }: DotKernel, node: ReductionNode, graph: Graph, target: Target) {
  if (!hasFeature(target, feature)) return `${target.name} has no ${feature}`;
  const g = geometryOf(node, graph);
  if (g.reduction.depthwise) return 'depthwise';
  return groupBytes === 8 && g.outHeight * g.outWidth === 1 ? 'a single pixel fills half of a 2x2 product' : undefined;
}

function instructionsOf({ groupBytes }: DotKernel, node: ReductionNode, graph: Graph): number {
  const { geometry, packed, epilogue } = prepareGroups(node, graph, groupBytes);
  const plane = likelyPlane(geometry);
  const chosen = chooseDotTile(plane, packed, epilogue);
  return chosen === undefined
    ? Number.POSITIVE_INFINITY
    : packed.tiles * tilesOf(plane, chosen.tile) * chosen.instructions;
}
