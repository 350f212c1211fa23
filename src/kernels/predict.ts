import type { Graph } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import { selectKernels } from './select.ts';

/** Predicted executed instructions of one run of a quantized graph, each node by the kernel that is chosen for it. */
export function predictInstructions(graph: Graph, target: Target): number {
  const selections = selectKernels(graph, target);
  return graph.nodes.reduce((sum, node) => {
    const kernel = selections.get(node.id);
    return sum + (kernel === undefined ? 0 : kernel.cost(node, graph, target).instructions);
  }, 0);
}
