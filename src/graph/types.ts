import type { AddOp, AffineOp, ExtremumOp, FakeQuantOp, MulOp, PReluOp, UnaryOp } from './operators/elementwise.ts';
import type {
  ConcatOp,
  DepthToSpaceOp,
  PadOp,
  ReshapeOp,
  ResizeOp,
  SliceOp,
  SpaceToDepthOp,
  TransposeOp,
} from './operators/layout.ts';
import type { Conv2dOp, FullyConnectedOp, WinogradOp } from './operators/reductions.ts';
import type { ArgMaxOp, AveragePoolOp, DiffuseOp, LrnOp, MaxPoolOp, SoftmaxOp } from './operators/windows.ts';
import type { NodeId, Shape, Tensor, TensorId } from './tensor.ts';

export type * from './operators/common.ts';
export type * from './operators/elementwise.ts';
export type * from './operators/layout.ts';
export type * from './operators/reductions.ts';
export type * from './operators/windows.ts';
export type * from './tensor.ts';

/** The ONNX node that a node came from: what messages, the report and the C name. */
export interface Origin {
  readonly name: string;
  readonly opType: string;
}

export interface Node<O extends Op = Op> {
  readonly id: NodeId;
  readonly op: O;
  /** Data inputs first; constants (weights, bias) are inputs too. */
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
  readonly origin: Origin;
}

/** An input or output of the network and how the outside sees it. */
export interface Port {
  /** The ONNX value's name. */
  readonly name: string;
  readonly tensor: TensorId;
  /** The ONNX value's shape. */
  readonly shape: Shape;
  /** Views between the ONNX value and the tensor, in data-flow order: from the ONNX value for inputs, to it for outputs. */
  readonly views: readonly (TransposeOp | ReshapeOp)[];
  /** Where the ONNX value itself holds integers on the tensor's grid; uint8 ones are 128 above the tensor's. */
  readonly integer?: 'int8' | 'uint8';
}

/**
 * Immutable, in topological order. Meaning of every operator: `ops/`. From the importer on, activations are
 * channels-last: rank 4 is N×H×W×C.
 */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly tensors: ReadonlyMap<TensorId, Tensor>;
}

export type Op =
  | Conv2dOp
  | WinogradOp
  | FullyConnectedOp
  | MaxPoolOp
  | AveragePoolOp
  | AffineOp
  | UnaryOp
  | AddOp
  | MulOp
  | ExtremumOp
  | PReluOp
  | ConcatOp
  | SliceOp
  | PadOp
  | ReshapeOp
  | TransposeOp
  | SoftmaxOp
  | DepthToSpaceOp
  | SpaceToDepthOp
  | ResizeOp
  | ArgMaxOp
  | LrnOp
  | DiffuseOp
  | FakeQuantOp;
export type OpKind = Op['kind'];
export type OpOf<K extends OpKind> = Extract<Op, { kind: K }>;
