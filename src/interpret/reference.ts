import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf, tensorOf } from '../graph/build.ts';
import { formatShape, sizeOf } from '../graph/shape.ts';
import type { Graph, Node, Tensor, TensorId } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';

/**
 * The integer meaning of a quantized graph (DESIGN §3), operator by operator in plain loops: what the generated C is
 * compared with. For more than a few samples use `exact.ts`.
 */

/**
 * Runs the graph on one input.
 * @param inputs int8 values of each graph input in its tensor's own order (channels last)
 * @returns the values of every activation in its tensor's own order, the inputs included
 * @throws invariant where an input is missing or of another size, or the graph is not quantized
 */
export function runReference(graph: Graph, inputs: ReadonlyMap<TensorId, Int8Array>): Map<TensorId, Int8Array> {
  const values = new Map<TensorId, Int8Array>();
  for (const { tensor } of graph.inputs) values.set(tensor, must(inputs.get(tensor), `value of input ${tensor}`));
  for (const node of graph.nodes) values.set(outputOf(graph, node).id, runNode(graph, node, values));
  return values;
}

/**
 * Runs one node.
 * @param inputs at least the node's activations; its constants come from the graph
 * @returns the values of its output
 */
export function runNode(graph: Graph, node: Node, inputs: ReadonlyMap<TensorId, Int8Array>): Int8Array {
  const integer = definitionOf(node).integer;
  if (integer === undefined) throw invariant(`${node.op.kind} has no integer meaning`, node.origin.name);
  const values = node.inputs.map((id) => operandOf(tensorOf(graph, id), inputs));
  return integer(node, { inputs: inputsOf(graph, node), values, output: outputOf(graph, node) });
}

function operandOf(tensor: Tensor, values: ReadonlyMap<TensorId, Int8Array>): Int8Array | Int32Array {
  const data = tensor.data ?? must(values.get(tensor.id), `value of ${tensor.id}`);
  if (!(data instanceof Int8Array || data instanceof Int32Array)) {
    throw invariant(`constant ${tensor.id} is ${tensor.dtype}: the graph is not quantized`);
  }
  if (data.length !== sizeOf(tensor.shape)) {
    throw invariant(`${data.length} values for ${tensor.id}, which is ${formatShape(tensor.shape)}`);
  }
  return data;
}
