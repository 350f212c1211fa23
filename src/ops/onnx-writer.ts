import type { DType, Shape, Tensor, TensorData } from '../graph/types.ts';

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/**
 * Collects ONNX nodes (opset 17). Values of rank 4 are stored N×C×H×W in the written graph, whatever the tensor says, so
 * that the file reads like one that any ONNX tool has written and ONNX Runtime runs without transposing; values of other ranks are stored
 * as they are. Implemented in `onnx/`.
 */
export interface OnnxWriter {
  /** The name of a tensor's value; constants are written on first use, rank 4 transposed to N×C×H×W (weights O×C×kh×kw). */
  value(tensor: Tensor): string;
  /** A constant that is no tensor of the graph, stored as given. */
  constant(base: string, dims: Shape, data: TensorData, dtype?: DType): string;
  /** Adds a node with one output and returns its fresh name. */
  node(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /** Makes `name` the value of the tensor. */
  bind(tensor: Tensor, name: string): void;
}

/** Where axis `axis` of a channels-last tensor is in the written graph. */
export function storedAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  return rank === 4 ? [0, 2, 3, 1][positive]! : positive;
}

/** Dimensions for a constant with one value a channel, to be broadcast against a stored tensor of `rank`. */
export function channelDims(count: number, rank: number): number[] {
  return rank === 4 ? [1, count, 1, 1] : [...new Array<number>(Math.max(0, rank - 1)).fill(1), count];
}

/** Attribute values: integers are written as INT, so floats must say so. */
export function float(value: number): OnnxAttribute {
  return { float: value };
}
