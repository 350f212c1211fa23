import { tensorOf, withoutDeadTensors } from '../../graph/build.ts';
import type { Graph, Node, TensorId } from '../../graph/types.ts';

/**
 * Some nodes of a graph as a graph of its own. Activations that they read and do not make are its inputs, by their own names; its
 * outputs are those of the whole graph that they make.
 */
export function partOf(graph: Graph, nodes: readonly Node[]): Graph {
  const made = new Set(nodes.flatMap((n) => n.outputs));
  const portOf = (id: TensorId) => ({ name: id, tensor: id, shape: tensorOf(graph, id).shape, views: [] });
  const read = new Set(nodes.flatMap((n) => n.inputs).filter((id) => !made.has(id)));
  const inputs = [...read].filter((id) => tensorOf(graph, id).data === undefined).map(portOf);
  const outputs = [...new Set(graph.outputs.map((p) => p.tensor))].filter((id) => made.has(id)).map(portOf);
  return withoutDeadTensors({ ...graph, nodes, inputs, outputs });
}
