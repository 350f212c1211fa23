import type { Op, QuantParams, Shape, Tensor, TensorData, TensorId } from '../graph/types.ts';

/** A decoded ONNX node, free of protobuf types. */
export interface SourceNode {
  /** The node's name; where the file gives none, `<opType>_<index>`. */
  readonly name: string;
  readonly opType: string;
  /** '' for the default domain. */
  readonly domain: string;
  readonly opset: number;
  /** '' for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: SourceAttributes;
}

/** A constant; with `quant` where the file holds integers behind a DequantizeLinear (values are on that grid). */
export interface Constant extends Tensor {
  readonly data: TensorData;
}

/** Typed access to attributes; a wrong type is rejected with the node's name. */
export interface SourceAttributes {
  has(name: string): boolean;
  int(name: string, fallback?: number): number;
  float(name: string, fallback?: number): number;
  string(name: string, fallback?: string): string;
  ints(name: string, fallback?: readonly number[]): readonly number[];
  floats(name: string, fallback?: readonly number[]): readonly number[];
}

/**
 * Turns one ONNX node into graph nodes. Values are looked up and bound by ONNX name; their tensors have the ONNX layout
 * (N×C×H×W). Parsers of channels-last operators wrap them in transposes, which `passes/nhwc-layout` cancels.
 */
export interface Importer {
  readonly node: SourceNode;
  /** The tensor behind input `index`. Rejects when it is absent. */
  input(index: number): Tensor;
  /** True where the optional input is given. */
  has(index: number): boolean;
  /** True where the input is given and a constant. */
  isConstant(index: number): boolean;
  /** True where somebody reads output `index`. */
  usesOutput(index: number): boolean;
  /** A constant input; `unsupported` where the input is computed at run time. */
  constant(index: number): Constant;
  /** Adds a node; its output's shape is inferred. Returns the output tensor. */
  emit(op: Op, inputs: readonly TensorId[]): Tensor;
  /** Adds a constant. */
  addConstant(base: string, shape: Shape, data: TensorData, quant?: QuantParams): TensorId;
  /** Makes `tensor` the value of the node's output `index` (default 0). */
  bind(tensor: Tensor, index?: number): void;
  /** `unsupported` with the node as place. */
  refuse(message: string, hint: string): Error;
  /** `reject` with the node as place: the node contradicts the ONNX specification or its own inputs. */
  invalid(message: string): Error;
}

export type SourceParser = (importer: Importer) => void;
