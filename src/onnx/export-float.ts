import { inputsOf, outputOf, tensorOf } from '../graph/build.ts';
import {
  composePermutations,
  inversePermutation,
  isFreePermutation,
  isIdentityPermutation,
  permuteShape,
} from '../graph/shape.ts';
import type { Graph, Port, Shape, TensorId } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import { storedPermutation } from '../ops/stored.ts';
import { createModelBuilder, type ModelBuilder } from './build-model.ts';
import type { SourceModel } from './model.ts';

export interface ExportOptions {
  /** Makes every activation an output too, for calibration. */
  readonly activations?: boolean;
}

export interface ExportedModel {
  readonly model: SourceModel;
  /**
   * With `activations`: the output that holds each tensor. Rank 4 is stored N×C×H×W there (see OnnxWriter). Several
   * tensors may share one output.
   */
  readonly activations: ReadonlyMap<TensorId, string>;
}

/**
 * The graph as an ONNX model with its float meaning, inputs and outputs in the original names and shapes. Run it with
 * onnxruntime after `encodeModel`.
 */
export function exportFloat(graph: Graph, options: ExportOptions = {}): ExportedModel {
  const builder = createModelBuilder(
    graph.name,
    [...graph.inputs, ...graph.outputs].map((p) => p.name),
  );
  for (const port of graph.inputs) writeInput(builder, graph, port);
  for (const node of graph.nodes) {
    builder.scope(node.origin.name);
    definitionOf(node).float(node, { writer: builder, inputs: inputsOf(graph, node), output: outputOf(graph, node) });
  }
  builder.scope('');
  for (const port of graph.outputs) writeOutput(builder, graph, port);
  const activations = options.activations ? writeActivations(builder, graph) : new Map<TensorId, string>();
  return { model: builder.build(), activations };
}

/** Adds a port's ONNX input and the views up to its tensor. */
export function writeInput(builder: ModelBuilder, graph: Graph, port: Port): void {
  const tensor = tensorOf(graph, port.tensor);
  const stored = tensor.shape.length === 4 ? storedPermutation : undefined;
  const source = builder.input(port.name, port.shape);
  builder.bind(tensor, writeViews(builder, source, port.shape, undefined, port.views, stored));
}

/** Adds a port's ONNX output behind its tensor's value and views. */
export function writeOutput(builder: ModelBuilder, graph: Graph, port: Port): void {
  const tensor = tensorOf(graph, port.tensor);
  const first = tensor.shape.length === 4 ? inversePermutation(storedPermutation) : undefined;
  const value = writeViews(builder, builder.value(tensor), tensor.shape, first, port.views, undefined);
  builder.output(port.name, value, port.shape);
}

/**
 * Writes views; transposes that follow each other become one, and none where they cancel or where a reshape makes up for
 * them.
 * @param shape of the value in tensor order, before the views
 * @param before from the value's stored order to tensor order
 * @param after from tensor order to the result's stored order
 */
function writeViews(
  builder: ModelBuilder,
  value: string,
  shape: Shape,
  before: readonly number[] | undefined,
  views: Port['views'],
  after: readonly number[] | undefined,
): string {
  let name = value;
  let pending = before ?? shape.map((_, axis) => axis);
  // As `name` has it; the views see it through `pending`.
  let dims = permuteShape(shape, inversePermutation(pending));
  for (const view of views) {
    if (view.kind === 'transpose') {
      pending = composePermutations(pending, view.perm);
      continue;
    }
    if (!isFreePermutation(dims, pending)) name = builder.node('Transpose', [name], { perm: pending });
    const target = builder.constant('shape', [view.shape.length], Float64Array.from(view.shape));
    name = builder.node('Reshape', [name, target]);
    dims = [...view.shape];
    pending = dims.map((_, axis) => axis);
  }
  const last = after === undefined ? pending : composePermutations(pending, after);
  return isIdentityPermutation(last) ? name : builder.node('Transpose', [name], { perm: last });
}

function writeActivations(builder: ModelBuilder, graph: Graph): Map<TensorId, string> {
  const activations = new Map<TensorId, string>();
  const outputs = new Map<string, string>();
  for (const tensor of graph.tensors.values()) {
    if (tensor.data !== undefined) continue;
    const value = builder.value(tensor);
    const output = outputs.get(value) ?? `activation:${value}`;
    if (!outputs.has(value)) {
      const stored = tensor.shape.length === 4 ? permuteShape(tensor.shape, storedPermutation) : tensor.shape;
      builder.output(output, value, stored);
      outputs.set(value, output);
    }
    activations.set(tensor.id, output);
  }
  return activations;
}
