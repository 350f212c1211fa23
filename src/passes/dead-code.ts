import { withoutDeadTensors } from '../graph/build.ts';
import type { Pass } from './pass.ts';

/**
 * Removes what no output needs.
 * Requires: nodes in topological order.
 * Guarantees: each node's result is read. Inputs stay, as they belong to the network's interface.
 */
export const deadCode: Pass = {
  name: 'dead-code',
  run(graph) {
    const needed = new Set(graph.outputs.map((p) => p.tensor));
    const live = graph.nodes.toReversed().filter((node) => {
      if (!node.outputs.some((id) => needed.has(id))) return false;
      for (const id of node.inputs) needed.add(id);
      return true;
    });
    if (live.length === graph.nodes.length) return graph;
    return withoutDeadTensors({ ...graph, nodes: live.toReversed() });
  },
};
