import type { Graph } from '../src/graph/types.ts';
import { selectKernels } from '../src/kernels/select.ts';
import { armv8a } from '../src/targets/armv8-a.ts';

/** What the cost models say about each layer of a graph, now: by the layer's name. */
export function predictLayers(graph: Graph): ReadonlyMap<string, { kernel: string; predicted: number }> {
  const selections = selectKernels(graph, armv8a);
  return new Map(
    graph.nodes.map((node) => {
      const kernel = selections.get(node.id)!;
      const predicted = kernel.cost(node, graph, armv8a).instructions;
      return [node.origin.name, { kernel: kernel.name, predicted }];
    }),
  );
}
