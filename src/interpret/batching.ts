import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { isKind, tensorOf } from '../graph/build.ts';
import type { Graph, Node, Op } from '../graph/types.ts';
import type { ModelNode, SourceModel, SourceTensor } from '../onnx/model.ts';
import { followsScales } from '../ops/resize-positions.ts';

/** From a model of one sample to one of any number of samples, for the written models of float and exact evaluation. */

/** True where the first axis of every activation is the batch, of extent 1, and no operator touches it. */
export function isBatchable(graph: Graph): boolean {
  const ports = [...graph.inputs, ...graph.outputs];
  return (
    [...graph.tensors.values()].every((t) => t.data !== undefined || t.shape[0] === 1) &&
    ports.every((p) => p.shape[0] === 1 && p.views.every(keepsFirstAxis)) &&
    graph.nodes.every((n) => keepsFirstAxis(n.op) && !joinsConstant(graph, n) && !namesSizes(graph, n))
  );
}

function keepsFirstAxis(op: Op): boolean {
  switch (op.kind) {
    case 'transpose':
      return op.perm[0] === 0;
    case 'reshape':
      return op.shape[0] === 1;
    case 'concat':
    case 'softmax':
    case 'argMax':
      return op.axis !== 0;
    case 'slice':
      return op.sizes[0] === 1;
    case 'pad':
      return op.pads[0] === 0 && op.pads[op.pads.length / 2] === 0;
    default:
      return true;
  }
}

/** A constant has one sample only; where it is broadcast, that is enough. */
function joinsConstant(graph: Graph, node: Node): boolean {
  return node.op.kind === 'concat' && node.inputs.some((id) => tensorOf(graph, id).data !== undefined);
}

/** A Resize that is written with the extents of all axes, the batch among them. */
function namesSizes(graph: Graph, node: Node): boolean {
  if (!isKind(node, 'resize')) return false;
  const [, height, width] = tensorOf(graph, node.inputs[0]!).shape as [number, number, number];
  return !followsScales(node.op, height, width);
}

/** The written model of a batchable graph with a symbolic batch: ports and targets of Reshape begin with it. */
export function withBatch(model: SourceModel): SourceModel {
  const symbolic = <T extends SourceModel['inputs'][number]>(v: T): T => ({
    ...v,
    shape: ['N', ...(v.shape ?? []).slice(1)],
  });
  const initializers = new Map(model.initializers);
  const nodes = model.nodes.map((n) => (n.opType === 'Reshape' ? withOpenTarget(n, initializers) : n));
  return { ...model, inputs: model.inputs.map(symbolic), outputs: model.outputs.map(symbolic), initializers, nodes };
}

function withOpenTarget(node: ModelNode, initializers: Map<string, SourceTensor>): ModelNode {
  const [x, name] = node.inputs as [string, string];
  const target = must(initializers.get(name), `target of ${node.name}`);
  if (target.data[0] !== 1) throw invariant(`${node.name} does not keep the batch`);
  const open = `${name}:batch`;
  initializers.set(open, { ...target, data: Float64Array.from(target.data, (d, i) => (i === 0 ? -1 : d)) });
  return { ...node, inputs: [x, open] };
}
