import { GraphBuilder, inputsOf, isGraphOutput, outputOf } from '../../graph/build.ts';
import type { Graph, Node, TensorId } from '../../graph/types.ts';
import { bypassed } from '../../passes/pass.ts';
import { sameQuant } from '../check.ts';
import { isReduction } from '../steps/groups.ts';

/**
 * Gives layers that share their data with additions, or with other layers, data of their own: an identity in front of
 * each, which becomes a table from 8 bits to the few that the layer's accumulators can take. The others keep 8 bits.
 */
export function splitReaders(graph: Graph): Graph {
  const shared = new Set([...graph.tensors.keys()].filter((id) => isShared(graph, id)));
  if (shared.size === 0) return graph;
  const builder = GraphBuilder.rebuild(graph);
  for (const node of graph.nodes) {
    const x = node.inputs[0]!;
    builder.nodes.push(isReduction(node) && shared.has(x) ? withOwnInput(builder, node, x) : node);
  }
  return builder.build();
}

function isShared(graph: Graph, id: TensorId): boolean {
  const readers = graph.nodes.filter((n) => n.inputs.includes(id));
  const layers = readers.filter((n) => isReduction(n) && n.inputs[0] === id);
  if (layers.length === 0 || graph.inputs.some((p) => p.tensor === id)) return false;
  return readers.length > 1 || isGraphOutput(graph, id);
}

function withOwnInput(builder: GraphBuilder, node: Node, x: TensorId): Node {
  const own = builder.addTensor({ ...builder.tensors.get(x)!, id: builder.freshId(`${node.id}.data`) });
  const origin = { name: `${node.origin.name}.data`, opType: 'Identity' };
  builder.addNode({ kind: 'unary', fn: { name: 'identity' } }, [x], [own], origin);
  return { ...node, inputs: [own, ...node.inputs.slice(1)] };
}

/** The quantized graph without tables and diffusion between equal quantizations: where the layer took 8 bits after all. */
export function withoutCopies(graph: Graph): Graph {
  return graph.nodes.filter((n) => isCopy(graph, n)).reduce(bypassed, graph);
}

function isCopy(graph: Graph, node: Node): boolean {
  const isIdentity = node.op.kind === 'unary' && node.op.fn.name === 'identity';
  if (!isIdentity && node.op.kind !== 'diffuse') return false;
  return sameQuant(inputsOf(graph, node)[0]!.quant, outputOf(graph, node).quant);
}
