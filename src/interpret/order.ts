import { sizeOf, transposeData } from '../graph/shape.ts';
import type { Graph, Port, Shape, TensorData, TensorId } from '../graph/types.ts';

/** Channels that are copied together: one cache line of float32 on the channels-last side. */
const tile = 16;

/**
 * Copies samples from the written graph's order (rank 4: N×C×H×W, see OnnxWriter) to the tensor's own (N×H×W×C).
 * @param values whole samples of a tensor of `shape`
 * @param out receives `value + offset`, from element `at` on
 */
export function copyFromStored(values: Float32Array, shape: Shape, out: TensorData, at: number, offset: number): void {
  const [plane, channels] = planeOf(shape);
  for (let image = 0; image < values.length; image += plane * channels) {
    for (let first = 0; first < channels; first += tile) {
      const end = Math.min(channels, first + tile);
      for (let p = 0; p < plane; p++) {
        const to = at + image + p * channels;
        for (let c = first; c < end; c++) out[to + c] = values[image + c * plane + p]! + offset;
      }
    }
  }
}

/** The way back: `out` receives `value + offset` in the written order. */
export function copyToStored(values: TensorData, shape: Shape, out: Float32Array, offset: number): void {
  const [plane, channels] = planeOf(shape);
  for (let image = 0; image < values.length; image += plane * channels) {
    for (let first = 0; first < channels; first += tile) {
      const end = Math.min(channels, first + tile);
      for (let p = 0; p < plane; p++) {
        const from = image + p * channels;
        for (let c = first; c < end; c++) out[image + c * plane + p] = values[from + c]! + offset;
      }
    }
  }
}

/** Positions and channels of an image; other ranks keep their order. */
function planeOf(shape: Shape): [number, number] {
  return shape.length === 4 ? [shape[1]! * shape[2]!, shape[3]!] : [1, sizeOf(shape)];
}

/**
 * Where the tensor's elements are in the ONNX value behind an input port.
 * @returns for each element of the tensor its index in the ONNX value; undefined where the order is the same
 */
export function portOrder(port: Port): Int32Array | undefined {
  let shape = port.shape;
  let order = Int32Array.from({ length: sizeOf(shape) }, (_, i) => i);
  for (const view of port.views) {
    if (view.kind === 'reshape') {
      shape = view.shape;
      continue;
    }
    order = transposeData(order, shape, view.perm, new Int32Array(order.length));
    shape = view.perm.map((axis) => shape[axis]!);
  }
  return order.every((from, i) => from === i) ? undefined : order;
}

/**
 * Samples of the ONNX values behind the graph's inputs, each in the order of its tensor.
 * @param values one array an input
 */
export function inTensorOrder(graph: Graph, values: readonly Float32Array[]): Map<TensorId, Float32Array> {
  return new Map(graph.inputs.map((port, i) => [port.tensor, reordered(port, values[i]!)]));
}

function reordered(port: Port, samples: Float32Array): Float32Array {
  const order = portOrder(port);
  if (order === undefined) return samples;
  const size = order.length;
  return samples.map((_, i) => samples[i - (i % size) + order[i % size]!]!);
}
