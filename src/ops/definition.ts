import type { AccumulatorModel, Node, Op, Shape, Tensor } from '../graph/types.ts';
import type { OnnxWriter } from './onnx-writer.ts';
import type { SourceParser } from './source.ts';

/** One operator: everything that gives it its meaning. Speed lives in `kernels/`. */
export interface OpDefinition<O extends Op> {
  readonly kind: O['kind'];

  /** ONNX operators (default domain) that become this one, and how. */
  readonly parsers: Readonly<Record<string, SourceParser>>;

  /** Shape of the output. Throws `reject` naming the node where the inputs do not fit together. */
  infer(node: Node<O>, inputs: readonly Tensor[]): Shape;

  /** Writes ONNX nodes with the operator's float meaning. */
  float(node: Node<O>, io: FloatIo): void;

  /**
   * The integer meaning (DESIGN §3): plain loops, no cleverness, from int8 inputs to the int8 output. Absent where the
   * operator never reaches a quantized graph.
   */
  readonly integer?: (node: Node<O>, io: IntegerIo) => Int8Array;

  /** Writes ONNX float nodes that compute exactly what `integer` does, for the fast evaluator (DESIGN §5). */
  readonly exact?: (node: Node<O>, io: ExactIo) => void;

  /** The dot product behind each output channel, for the accumulator's bound. Absent where nothing is accumulated. */
  readonly reduction?: (node: Node<O>, inputs: readonly Tensor[]) => Reduction;
}

/** The dot products of an operator with weights. */
export interface Reduction {
  /** Output channels; the weights are `channels × length`, row-major, in the order in which products are counted. */
  readonly channels: number;
  /** K: products an output. */
  readonly length: number;
  /** Products that are contiguous in a channels-last input: the rows of the kernel, or its taps. */
  readonly runLength: number;
  /** True where each channel reads its own input channel only: its products can't share lanes. */
  readonly depthwise: boolean;
  /**
   * True where the rows of the kernel are so short that channels, not products, fill the lanes best: a first layer's. A
   * row is then summed in one accumulator a channel.
   */
  readonly shortRows?: boolean;
  /** The range of what is multiplied, where that is not the input itself. */
  readonly operands?: { readonly lo: number; readonly hi: number };
  /** Multiply-accumulates of the whole operator, padding included; of a Winograd convolution those that it stands for. */
  readonly macs: number;
}

export interface FloatIo {
  readonly writer: OnnxWriter;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}

/** Quantized tensors: activations are int8 with `quant`; weights and biases are constants. */
export interface IntegerIo {
  readonly inputs: readonly Tensor[];
  /** For each input its values: the constant's data, or the int8 activation in row-major, channels-last order. */
  readonly values: readonly (Int8Array | Int32Array)[];
  readonly output: Tensor;
}

/** Values in the written graph are float32 tensors that hold `q − zeroPoint`: integers, and 0 is what padding pads with. */
export type ExactIo = FloatIo;

/** Index of the step (see AccumulatorModel) that product k falls into. */
export function stepOf(model: AccumulatorModel, k: number): number {
  const run = Math.floor(k / model.runLength);
  const position = k % model.runLength;
  return run * Math.ceil(model.runLength / model.step) + Math.floor(position / model.step);
}

/** The accumulator (lane) that product k is summed in. */
export function laneOf(model: AccumulatorModel, k: number): number {
  return (k % model.runLength) % model.lanes;
}

/** Steps of a reduction of `length` products. */
export function stepCount(model: Pick<AccumulatorModel, 'step' | 'runLength'>, length: number): number {
  return (length / model.runLength) * Math.ceil(model.runLength / model.step);
}
