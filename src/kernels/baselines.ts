import type { Graph, Node, NodeId } from '../graph/types.ts';
import { isReductionNode } from '../proof/certify.ts';
import type { Target } from '../targets/target.ts';
import { convPairs, fullyConnectedPairs } from './baseline-pairs.ts';
import { convWiden, fullyConnectedWiden } from './baseline-widen.ts';
import { geometryOf } from './k-lanes/geometry.ts';
import type { Kernel } from './kernel.ts';
import { type Selections, selectKernels } from './select.ts';

/**
 * Networks with 32-bit accumulators, to measure against:
 * - `widen`: every layer with `smlal` on operands widened to 16 bits, as gemmlowp, XNNPACK on Cortex-A53 and CMSIS-like code;
 * - `pairs`: in each layer the cheaper of that and of two products in 16 bits, added into 32 at once, as XNNPACK on Cortex-A72 and ncnn.
 */
export type Baseline = 'widen' | 'pairs';

const tables: Readonly<Record<Baseline, readonly Kernel[]>> = {
  widen: [convWiden, fullyConnectedWiden] as readonly Kernel[],
  pairs: [convPairs, fullyConnectedPairs, convWiden, fullyConnectedWiden] as readonly Kernel[],
};

/** As `selectKernels`, with 32-bit accumulators; layers without a kernel of that kind (depthwise, pooling, …) keep theirs. */
export function selectBaseline(graph: Graph, target: Target, baseline: Baseline): Selections {
  const selections = new Map<NodeId, Kernel>(selectKernels(graph, target));
  for (const node of graph.nodes) {
    const fitting = tables[baseline].filter(
      (kernel) => kernel.op === node.op.kind && kernel.misfit(node, graph, target) === undefined,
    );
    const costOf = (kernel: Kernel) => kernel.cost(node, graph, target).instructions;
    const [cheapest] = fitting.toSorted((a, b) => costOf(a) - costOf(b));
    if (cheapest !== undefined) selections.set(node.id, cheapest);
  }
  return selections;
}

/**
 * The network as its baselines compute it: layers that get 32-bit accumulators also requantize in 32 bits (`fixed` in the
 * place of `fixed16`), as the code does that they stand for.
 */
export function withWideRequantization(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    if (!isReductionNode(node) || node.op.integer?.requant !== 'fixed16') return node;
    if (geometryOf(node, graph).reduction.depthwise) return node;
    return { ...node, op: { ...node.op, integer: { ...node.op.integer, requant: 'fixed' } } } as Node;
  });
  return { ...graph, nodes };
}
