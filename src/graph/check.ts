import { invariant, type NeonarrowError } from '../core/diagnostics.ts';
import { formatShape, sameShape, sizeOf } from './shape.ts';
import type { Graph, Node, Shape, Tensor, TensorId } from './types.ts';

/** Shape of a node's output from its inputs; the operators know it, and lie above this folder. */
export type InferShape = (node: Node, inputs: readonly Tensor[]) => Shape;

/**
 * Checks what every graph guarantees: nodes in topological order, each tensor known and with one producer, shapes as
 * the operators infer them, constants finite and of their shape's size.
 * @param after what has just run, for the message
 * @throws invariant naming `after` and the node or tensor
 */
export function checkGraph(graph: Graph, infer: InferShape, after: string): void {
  const fail = (what: string): NeonarrowError => invariant(`${what} (after ${after})`, `graph ${graph.name}`);
  const produced = new Set<TensorId>();
  const produce = (id: TensorId, by: string): void => {
    const tensor = graph.tensors.get(id);
    if (tensor === undefined) throw fail(`${by} yields the unknown tensor ${id}`);
    if (tensor.data !== undefined) throw fail(`${by} yields the constant ${id}`);
    if (produced.has(id)) throw fail(`${by} yields ${id}, which has a producer already`);
    produced.add(id);
  };
  for (const [id, tensor] of graph.tensors) checkTensor(id, tensor, fail);
  for (const port of graph.inputs) produce(port.tensor, `input ${port.name}`);
  const nodeIds = new Set<string>();
  for (const node of graph.nodes) {
    if (nodeIds.has(node.id)) throw fail(`two nodes are called ${node.id}`);
    nodeIds.add(node.id);
    const inputs = node.inputs.map((id) => {
      const tensor = graph.tensors.get(id);
      if (tensor === undefined) throw fail(`${node.id} reads the unknown tensor ${id}`);
      if (tensor.data === undefined && !produced.has(id)) throw fail(`${node.id} reads ${id} before it is there`);
      return tensor;
    });
    for (const id of node.outputs) produce(id, node.id);
    checkShape(graph, node, infer(node, inputs), fail);
  }
  for (const port of graph.outputs) {
    if (!produced.has(port.tensor)) throw fail(`output ${port.name} is ${port.tensor}, which nothing yields`);
  }
}

/** Most constants go through all passes untouched: looking at them once is enough. */
const knownFinite = new WeakSet<Float32Array>();

function checkTensor(id: TensorId, tensor: Tensor, fail: (what: string) => NeonarrowError): void {
  if (tensor.id !== id) throw fail(`tensor ${tensor.id} is filed as ${id}`);
  if (tensor.shape.some((d) => !Number.isInteger(d) || d < 0))
    throw fail(`${id} has shape ${formatShape(tensor.shape)}`);
  if (tensor.data === undefined) return;
  if (tensor.data.length !== sizeOf(tensor.shape)) {
    throw fail(`${id} holds ${tensor.data.length} values for ${formatShape(tensor.shape)}`);
  }
  if (!(tensor.data instanceof Float32Array) || knownFinite.has(tensor.data)) return;
  if (!tensor.data.every(Number.isFinite)) throw fail(`${id} is not finite`);
  knownFinite.add(tensor.data);
}

function checkShape(graph: Graph, node: Node, inferred: Shape, fail: (what: string) => NeonarrowError): void {
  const shape = graph.tensors.get(node.outputs[0] ?? '')?.shape;
  if (node.outputs.length !== 1 || shape === undefined) throw fail(`${node.id} has ${node.outputs.length} outputs`);
  if (!sameShape(shape, inferred)) {
    throw fail(`${node.id} yields ${formatShape(inferred)}, its output is ${formatShape(shape)}`);
  }
}
