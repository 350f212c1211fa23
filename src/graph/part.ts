import { outputIds, outputOf, tensorOf, withoutDeadTensors } from './build.ts';
import type { Graph, Node, TensorId } from './types.ts';

/**
 * Some nodes of a graph as a graph of its own. Activations that they read and do not make are its inputs, by their own names.
 * @param outputs what it gives; without them those of the whole graph that its nodes make
 */
export function partOf(graph: Graph, nodes: readonly Node[], outputs?: readonly TensorId[]): Graph {
  const made = new Set(nodes.flatMap((n) => n.outputs));
  const portOf = (id: TensorId) => ({ name: id, tensor: id, shape: tensorOf(graph, id).shape, views: [] });
  const read = new Set(nodes.flatMap((n) => n.inputs).filter((id) => !made.has(id)));
  return withoutDeadTensors({
    ...graph,
    nodes,
    inputs: [...read].filter((id) => tensorOf(graph, id).data === undefined).map(portOf),
    outputs: (outputs ?? outputIds(graph).filter((id) => made.has(id))).map(portOf),
  });
}

/** The graph of one node: its activations are the inputs, its output is the output. */
export function singleNodeGraph(graph: Graph, node: Node): Graph {
  return partOf(graph, [node], [outputOf(graph, node).id]);
}
