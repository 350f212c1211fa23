import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf, tensorOf } from '../graph/build.ts';
import { permuteShape, transposeData } from '../graph/shape.ts';
import type { Graph, Node, QuantParams, Tensor } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import type { OnnxWriter } from '../ops/onnx-writer.ts';
import { narrowRange } from '../ops/quantized.ts';
import { storedPermutation } from '../ops/stored.ts';
import { createModelBuilder, type ModelBuilder } from './build-model.ts';
import { withDirectLayers } from './direct-layers.ts';
import { writeInput, writeOutput } from './export-float.ts';
import { encodeMetadata, metadataKey, metadataOf } from './metadata.ts';
import type { SourceModel } from './model.ts';

/** Larger biases survive the way through float32 that the reader takes, q · scale, only with 20 significant bits. */
const LARGEST_BIAS = 2 ** 23;

/**
 * A quantized graph as a standard ONNX model: each operator in float between DequantizeLinear and QuantizeLinear, which
 * ONNX Runtime and other tools run. Activations narrower than 8 bits have a Clip on their int8 values; weights are int8
 * with a scale for each output channel, biases int32. Inputs and outputs have the names and shapes of the float model.
 * @param metadata further entries of the file's `metadata_props`
 */
export function exportQdq(quantized: Graph, metadata: ReadonlyMap<string, string> = new Map()): SourceModel {
  const graph = withDirectLayers(quantized);
  const builder = createModelBuilder(
    graph.name,
    [...graph.inputs, ...graph.outputs].map((p) => p.name),
  );
  for (const port of graph.inputs) {
    builder.scope(port.name);
    writeInput(builder, graph, port);
    const tensor = tensorOf(graph, port.tensor);
    bindQuantized(builder, tensor, builder.value(tensor));
  }
  const writer: OnnxWriter = {
    ...builder,
    value: (tensor) => (tensor.data === undefined ? builder.value(tensor) : constantValue(builder, tensor)),
    bind: (tensor, name) => bindQuantized(builder, tensor, name),
  };
  for (const node of graph.nodes) {
    builder.scope(node.origin.name);
    const inputs = inputsOf(graph, node);
    bindBias(builder, node, inputs);
    definitionOf(node).float(node, { writer, inputs, output: outputOf(graph, node) });
  }
  builder.scope('');
  for (const port of graph.outputs) writeOutput(builder, graph, port);
  builder.metadata(metadataKey, encodeMetadata(metadataOf(quantized)));
  for (const [key, value] of metadata) builder.metadata(key, value);
  return builder.build();
}

/** QuantizeLinear, Clip where needed, DequantizeLinear behind a value; the result is the tensor's value. */
function bindQuantized(builder: ModelBuilder, tensor: Tensor, value: string): void {
  const { scale, zeroPoint, qmin, qmax } = must(tensor.quant, `quantization of ${tensor.id}`);
  const parameters = [
    builder.constant('scale', [], Float32Array.from(scale)),
    builder.constant('zeroPoint', [], Int8Array.of(zeroPoint)),
  ];
  let q = builder.node('QuantizeLinear', [value, ...parameters]);
  const range = narrowRange({ qmin, qmax });
  if (range !== undefined) {
    const { lo, hi } = range;
    const bounds = [builder.constant('qmin', [], Int8Array.of(lo)), builder.constant('qmax', [], Int8Array.of(hi))];
    q = builder.node('Clip', [q, ...bounds]);
  }
  builder.bind(tensor, builder.node('DequantizeLinear', [q, ...parameters]));
}

/** An int8 constant behind its DequantizeLinear, written once. */
function constantValue(builder: ModelBuilder, tensor: Tensor): string {
  if (tensor.quant !== undefined && !builder.isBound(tensor)) {
    builder.bind(tensor, dequantized(builder, tensor, tensor.quant));
  }
  return builder.value(tensor);
}

/** Output channels come first in the tensor's order and in the stored one, so that `axis` 0 stays. */
function dequantized(builder: ModelBuilder, tensor: Tensor, { scale, zeroPoint, axis }: QuantParams): string {
  const data = must(tensor.data, `values of ${tensor.id}`);
  const integers =
    tensor.shape.length === 4
      ? builder.constant(
          tensor.id,
          permuteShape(tensor.shape, storedPermutation),
          transposeData(data, tensor.shape, storedPermutation, data.slice()),
        )
      : builder.constant(tensor.id, tensor.shape, data);
  const perChannel = axis === undefined ? [] : scale;
  const dims = perChannel.length === 0 ? [] : [scale.length];
  const zeros =
    dims.length === 0
      ? builder.constant('zeroPoint', dims, Int8Array.of(zeroPoint))
      : builder.constant('weightZeroPoint', dims, new Int8Array(scale.length).fill(zeroPoint));
  const scales = builder.constant(`${tensor.id}.scale`, dims, Float32Array.from(scale));
  const attributes = axis === undefined ? {} : { axis };
  return builder.node('DequantizeLinear', [integers, scales, zeros], attributes);
}

/** The bias of a layer: int32 in steps of s_x · s_w, or the real numbers where these are more than that. */
function bindBias(builder: ModelBuilder, node: Node, inputs: readonly Tensor[]): void {
  const [x, w, b] = inputs;
  if (!(b?.data instanceof Int32Array) || builder.isBound(b)) return;
  if (b.data.some((q) => Math.abs(q) >= LARGEST_BIAS && !hasTwentyBits(q))) {
    throw invariant(`a bias beyond 2^23 steps`, node.id);
  }
  const step = must(x?.quant, `quantization of the input of ${node.id}`).scale[0]!;
  const scale = must(w?.quant, `quantization of the weights of ${node.id}`).scale;
  const remainders = 'integer' in node.op ? node.op.integer?.biasRemainders : undefined;
  if (remainders !== undefined) {
    const real = Float32Array.from(b.data, (q, o) => (q + remainders[o]!) * (step * scale[o]!));
    builder.bind(b, builder.constant(b.id, b.shape, real));
    return;
  }
  const steps = Float32Array.from(scale, (s) => step * s);
  const parameters = [
    builder.constant(`${b.id}.scale`, [steps.length], steps),
    builder.constant('biasZeroPoint', [steps.length], new Int32Array(steps.length)),
  ];
  const integers = builder.constant(b.id, b.shape, b.data);
  builder.bind(b, builder.node('DequantizeLinear', [integers, ...parameters], { axis: 0 }));
}

function hasTwentyBits(q: number): boolean {
  return Number.isInteger(q / 2 ** (Math.floor(Math.log2(Math.abs(q))) - 19));
}
