import { invariant } from '../../core/diagnostics.ts';
import { must } from '../../core/must.ts';
import { isKind, outputOf, tensorOf, withTensors } from '../../graph/build.ts';
import { singleNodeGraph } from '../../graph/part.ts';
import type { Clamp, Graph, Node, QuantParams, TensorId } from '../../graph/types.ts';
import { createFloatEvaluator } from '../../interpret/float.ts';
import { matrixProducts } from '../../interpret/products.ts';
import { isReductionNode, type ReductionNode } from '../../proof/certify.ts';
import type { FittedLayer, Layer } from '../weights/layer.ts';

/** Float activations of a few calibration samples, each in its tensor's own order, sample after sample. */
export interface SampledActivations {
  readonly count: number;
  readonly values: ReadonlyMap<TensorId, Float32Array>;
}

/**
 * The relative squared error of a layer's output on those samples, Σ (ŷ − y)² / Σ y² after its clamp: with data and
 * weights rounded as given, and the mean error of each channel taken off, as bias correction does.
 *
 * Unlike the errors of data and weights alone it knows what they do together: where the signal of correlated inputs adds
 * up and their rounding errors don't, and what a ReLU cuts off.
 */
export type OutputError = (layer: Layer, x: QuantParams, fitted: FittedLayer) => Promise<RoundedOutput>;

/** A layer's output with data and weights rounded. */
export interface RoundedOutput {
  /** Its relative squared error. */
  readonly noise: number;
  /** Behind the clamp, in the tensor's own order, sample after sample. */
  readonly values: Float32Array;
}

/** @param graph the float graph that the activations are of */
export function createOutputError(graph: Graph, sampled: SampledActivations): OutputError {
  const float = new Map<Node, Promise<Float32Array>>();
  const rounded = new Map<TensorId, { quant: QuantParams; values: Float32Array }>();
  const floatOutput = (node: ReductionNode): Promise<Float32Array> => {
    const found =
      float.get(node) ?? runSums(graph, node, valuesOf(sampled, node), floatRows(graph, node), sampled.count);
    float.set(node, found);
    return found;
  };
  const roundedInput = (node: ReductionNode, quant: QuantParams): Float32Array => {
    const id = node.inputs[0]!;
    const found = rounded.get(id);
    if (found?.quant === quant) return found.values;
    const values = roundValues(valuesOf(sampled, node), quant);
    rounded.set(id, { quant, values });
    return values;
  };
  return async (layer, x, fitted) => {
    const { node } = layer;
    if (!isReductionNode(node)) throw invariant(`${node.id} has no weights`);
    const rows = roundedRows(fitted, layer.reduction.length);
    const sums = await runSums(graph, node, roundedInput(node, x), rows, sampled.count);
    return behindClamp(await floatOutput(node), sums, layer.reduction.channels, node.op.clamp);
  };
}

function valuesOf({ values }: SampledActivations, node: Node): Float32Array {
  const id = must(node.inputs[0], 'x');
  return must(values.get(id), `values of ${id}`);
}

/** What the integers of a quantization stand for. */
export function roundValues(values: Float32Array, { scale, zeroPoint, qmin, qmax }: QuantParams): Float32Array {
  const [step, lo, hi] = [scale[0]!, qmin - zeroPoint, qmax - zeroPoint];
  return values.map((v) => {
    const q = Math.round(v / step);
    return step * (q < lo ? lo : q > hi ? hi : q);
  });
}

/** Real weights of the channels `from` to `to − 1`, row-major; the next call may overwrite them. */
type Rows = (from: number, to: number) => Float32Array;

function floatRows(graph: Graph, node: ReductionNode): Rows {
  const { data, shape } = tensorOf(graph, node.inputs[1]!);
  const length = data!.length / shape[0]!;
  return (from, to) => (data as Float32Array).subarray(from * length, to * length);
}

function roundedRows({ rounded: { data, scale } }: FittedLayer, length: number): Rows {
  let real = new Float32Array(0);
  return (from, to) => {
    const count = (to - from) * length;
    if (real.length < count) real = new Float32Array(count);
    for (let o = from, i = 0; o < to; o++) {
      const step = scale[o]!;
      for (let k = o * length; k < (o + 1) * length; k++) real[i++] = data[k]! * step;
    }
    return real.subarray(0, count);
  };
}

/** The layer's sums with other weights, bias included, before its clamp. */
async function runSums(
  graph: Graph,
  node: ReductionNode,
  x: Float32Array,
  rows: Rows,
  count: number,
): Promise<Float32Array> {
  if (isKind(node, 'fullyConnected')) return productSums(graph, node, x, rows);
  const { clamp: _, ...op } = node.op;
  const weights = tensorOf(graph, node.inputs[1]!);
  const other = withTensors(graph, [{ ...weights, data: rows(0, weights.shape[0]!) }]);
  const evaluator = await createFloatEvaluator(singleNodeGraph(other, { ...node, op }));
  try {
    const id = outputOf(graph, node).id;
    return must((await evaluator.run(x, count)).get(id), id);
  } finally {
    await evaluator.release();
  }
}

/** Channels of a matrix that are multiplied at a time. */
const ROWS = 256;

/** x·Wᵀ + b, a part of the matrix at a time: it may be most of the network, and a session would copy it several times. */
async function productSums(graph: Graph, node: ReductionNode, x: Float32Array, rows: Rows): Promise<Float32Array> {
  const [channels, length] = tensorOf(graph, node.inputs[1]!).shape as [number, number];
  const bias = tensorOf(graph, node.inputs[2]!).data!;
  const products = await matrixProducts();
  const count = x.length / length;
  const sums = new Float32Array(count * channels);
  for (let from = 0; from < channels; from += ROWS) {
    const to = Math.min(channels, from + ROWS);
    const part = await products.rows(x, rows(from, to), length);
    for (let i = 0, at = 0; i < count; i++) {
      for (let o = from; o < to; o++) sums[i * channels + o] = part[at++]! + bias[o]!;
    }
  }
  return sums;
}

/**
 * The layer's output and its Σ (ŷ − y)² / Σ y² behind the clamp, the mean error of each channel taken off.
 * @param wanted, @param got sums, channels last
 */
function behindClamp(
  wanted: Float32Array,
  got: Float32Array,
  channels: number,
  clamp: Clamp | undefined,
): RoundedOutput {
  const shift = new Float64Array(channels);
  for (let i = 0, o = 0; i < got.length; i++, o = o + 1 === channels ? 0 : o + 1) shift[o]! += got[i]! - wanted[i]!;
  for (let o = 0; o < channels; o++) shift[o]! /= got.length / channels;
  const { lo, hi } = clamp ?? { lo: -Infinity, hi: Infinity };
  const values = new Float32Array(got.length);
  let [error, power] = [0, 0];
  for (let i = 0, o = 0; i < got.length; i++, o = o + 1 === channels ? 0 : o + 1) {
    const y = wanted[i]! < lo ? lo : wanted[i]! > hi ? hi : wanted[i]!;
    const corrected = got[i]! - shift[o]!;
    values[i] = corrected < lo ? lo : corrected > hi ? hi : corrected;
    const difference = values[i]! - y;
    error += difference * difference;
    power += y * y;
  }
  return { noise: power === 0 ? 0 : error / power, values };
}
