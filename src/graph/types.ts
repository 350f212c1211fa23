import type { RequantFormat } from '../numeric/requantize.ts';
import type { WinogradTile } from '../numeric/winograd.ts';

/**
 * The graph: immutable, in topological order. Meaning of every operator: `ops/`. From the importer on, activations are
 * channels-last: rank 4 is N×H×W×C.
 */
export type TensorId = string;
export type NodeId = string;
export type Shape = readonly number[];

/** int64 tensors (shapes, axes) are held as Float64Array: their values are below 2^53. */
export type DType = 'float32' | 'int8' | 'uint8' | 'int32' | 'int64' | 'bool';
export type TensorData = Float32Array | Int8Array | Uint8Array | Int32Array | Float64Array;

/** `real = scale[c] · (q − zeroPoint)`, `q ∈ [qmin, qmax]` (DESIGN §3). One scale, or one for each index along `axis`. */
export interface QuantParams {
  /** float32 values, so that an ONNX file holds them exactly. */
  readonly scale: readonly number[];
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
  readonly axis?: number;
}

export interface Tensor {
  readonly id: TensorId;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Present for constants only. */
  readonly data?: TensorData;
  /** Present for quantized activations (int8) and weights (int8, symmetric, `axis` 0). */
  readonly quant?: QuantParams;
}

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

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly tensors: ReadonlyMap<TensorId, Tensor>;
}

/** [top, left, bottom, right] */
export type Pads = readonly [number, number, number, number];
/** [height, width] */
export type Pair = readonly [number, number];

/** A fused ReLU or Clip, in real units; ±Infinity where open. */
export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

/**
 * How the K products of one output are summed (DESIGN §4). Product k of an output's K = runs · runLength products lies
 * in run ⌊k / runLength⌋ at position p = k mod runLength; runs start on a step boundary. It is summed in step
 * run · ⌈runLength / step⌉ + ⌊p / step⌋, in accumulator (lane) p mod lanes. After each step listed in `segments` (ends,
 * exclusive, ascending, the last one the number of steps) the accumulators are flushed into 32 bits. NEON lanes of 8 bits
 * are added up in 16 bits on the way: `flushRanges` in quantize/accumulator says what these hold.
 */
export interface AccumulatorModel {
  readonly bits: number;
  readonly lanes: number;
  /** Products a step: 16 for K in the lanes (two `vmlal_s8`, or one `vmlaq_s8` where lanes have 8 bits), 1 for a scalar accumulator or depthwise, a row's for a first layer. */
  readonly step: number;
  readonly runLength: number;
  readonly segments: readonly number[];
}

/** Present on the reductions of a quantized graph. */
export interface IntegerReduction {
  readonly requant: RequantFormat;
  readonly accumulator: AccumulatorModel;
  /** `proven`: no input can overflow; `calibrated`: none of the calibration data did, with a margin. */
  readonly mode: 'proven' | 'calibrated';
  /** `calibrated`: what the sums of each channel's accumulators are taken to be within, `[channel][segment · lanes + lane]`. */
  readonly sums?: readonly (readonly { readonly lo: number; readonly hi: number }[])[];
}

/** x: N×H×W×C, w: O×kh×kw×(C/groups), b: O. Output channel o belongs to group ⌊o / (O/groups)⌋. */
export interface Conv2dOp {
  readonly kind: 'conv2d';
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
  readonly groups: number;
  readonly clamp?: Clamp;
  readonly integer?: IntegerReduction;
}

/** How the transformed input of a Winograd convolution becomes int8: `clamp(sqrdmulh(v, multiplier) [+ offset], qmin, qmax)`. */
export interface WinogradInput {
  /** For each tap, in units of 2^−15, in [1, 2^15]; 2^15 leaves the tap as it is. */
  readonly multiplier: readonly number[];
  /** Added at the tap that a constant input does not leave at 0 (`numeric/winograd`), whose values are not centred. */
  readonly offset: number;
  readonly qmin: number;
  readonly qmax: number;
}

/**
 * A 3×3 convolution with strides 1 by F(m×m, 3×3), m = `tile`; quantized graphs only, made by the quantizer. x: N×H×W×C,
 * transformed weights: (O·T²)×C with T = m + 2 and a scale for each row, b: O. Tiles begin at the output's first pixel.
 */
export interface WinogradOp {
  readonly kind: 'winograd';
  readonly tile: WinogradTile;
  readonly pads: Pads;
  readonly clamp?: Clamp;
  readonly input: WinogradInput;
  /** Bits that a tap's sums gain before they are brought to the scale that the channel's taps share. */
  readonly leftShift: number;
  readonly integer: IntegerReduction;
}

/** x: M×K, w: O×K, b: O. */
export interface FullyConnectedOp {
  readonly kind: 'fullyConnected';
  readonly clamp?: Clamp;
  readonly integer?: IntegerReduction;
}

/** x: N×H×W×C. Padding never wins. `pads` holds the ceil_mode rest too. */
export interface MaxPoolOp {
  readonly kind: 'maxPool';
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
}

/** x: N×H×W×C. Global pooling and ReduceMean over space are this with the whole plane as kernel. */
export interface AveragePoolOp {
  readonly kind: 'averagePool';
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  /** Positions in the padding count in the divisor. `ceilExtra` (bottom, right) never counts. */
  readonly countIncludePad: boolean;
  readonly ceilExtra: Pair;
  /** The sum, not divided. The kernel is the whole plane, or whole rows or columns of it. */
  readonly sum?: true;
  readonly clamp?: Clamp;
  readonly requant?: Float32Steps;
}

/** y = x · scale[c] + shift[c] along the last axis; inputs x, scale, shift. Float graphs only: folded or made depthwise. */
export interface AffineOp {
  readonly kind: 'affine';
}

/** Functions without parameters; each is the ONNX operator of that name. */
export type PlainFunction =
  | 'abs'
  | 'acos'
  | 'acosh'
  | 'asin'
  | 'asinh'
  | 'atan'
  | 'atanh'
  | 'ceil'
  | 'cos'
  | 'cosh'
  | 'erf'
  | 'exp'
  | 'floor'
  | 'hardSwish'
  | 'log'
  | 'neg'
  | 'reciprocal'
  | 'round'
  | 'sigmoid'
  | 'sign'
  | 'sin'
  | 'sinh'
  | 'softplus'
  | 'softsign'
  | 'sqrt'
  | 'tan'
  | 'tanh';

/** What is computed from one value, step by step; see `passes/compose-functions`. */
export type Expression =
  | { readonly kind: 'value' }
  | { readonly kind: 'apply'; readonly fn: UnaryFunction; readonly to: Expression }
  | {
      readonly kind: 'combine';
      readonly by: 'add' | 'sub' | 'mul' | 'max' | 'min';
      readonly left: Expression;
      readonly right: Expression;
    };

/** A function of one value: a 256-entry table in a quantized graph. */
export type UnaryFunction =
  | { readonly name: 'identity' }
  | { readonly name: 'clip'; readonly lo: number; readonly hi: number }
  | { readonly name: 'leakyRelu'; readonly alpha: number }
  | { readonly name: 'linear'; readonly scale: number; readonly shift: number }
  | { readonly name: 'hardSigmoid'; readonly alpha: number; readonly beta: number }
  | { readonly name: 'elu'; readonly alpha: number }
  | { readonly name: 'selu'; readonly alpha: number; readonly gamma: number }
  | { readonly name: 'thresholdedRelu'; readonly alpha: number }
  | { readonly name: 'power'; readonly exponent: number }
  | { readonly name: 'composed'; readonly expression: Expression }
  | { readonly name: PlainFunction };

export interface UnaryOp {
  readonly kind: 'unary';
  readonly fn: UnaryFunction;
}

/**
 * On operators without weights: present where the integers are those of ONNX Runtime's quantized operator, whose float32
 * operations are made in its order; else they are in fixed point.
 */
export type Float32Steps = 'float32';

/** Two tensors of one rank, each repeated along the axes where its extent is 1 and the other's is not. */
export interface AddOp {
  readonly kind: 'add';
  /** The second is subtracted. */
  readonly subtract?: true;
  readonly clamp?: Clamp;
  readonly requant?: Float32Steps;
}

/** Broadcasts as AddOp. */
export interface MulOp {
  readonly kind: 'mul';
  readonly clamp?: Clamp;
  readonly requant?: Float32Steps;
}

/** The larger or the smaller of two elements. Broadcasts as AddOp. */
export interface ExtremumOp {
  readonly kind: 'extremum';
  readonly fn: 'max' | 'min';
}

/** y = x, times `slopes[c]` where x is negative, along the last axis. */
export interface PReluOp {
  readonly kind: 'prelu';
  readonly slopes: readonly number[];
}

/** Output element i along an axis is the input's element `starts[axis] + i · steps[axis]`, i below `sizes[axis]`. Steps may be negative. */
export interface SliceOp {
  readonly kind: 'slice';
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly sizes: readonly number[];
}

/** x: N×H×W×C to N×(H/block)×(W/block)×(C·block²); row i, column j of each block becomes channels (i·block + j)·C + c. */
export interface SpaceToDepthOp {
  readonly kind: 'spaceToDepth';
  readonly block: number;
}

export interface ConcatOp {
  readonly kind: 'concat';
  readonly axis: number;
}

/** Constant padding; `pads` is [before…, after…] over all axes, in real units `value`. */
export interface PadOp {
  readonly kind: 'pad';
  readonly pads: readonly number[];
  readonly value: number;
}

export interface ReshapeOp {
  readonly kind: 'reshape';
  readonly shape: Shape;
}

export interface TransposeOp {
  readonly kind: 'transpose';
  /** Output axis i is input axis perm[i], as in ONNX. */
  readonly perm: readonly number[];
}

export interface SoftmaxOp {
  readonly kind: 'softmax';
  readonly axis: number;
  readonly requant?: Float32Steps;
}

/**
 * x: N×H×W×(C·block²) to N×(H·block)×(W·block)×C. Channel (i·block + j)·C + c goes to row i, column j of each block in mode DCR,
 * channel (c·block + i)·block + j in mode CRD.
 */
export interface DepthToSpaceOp {
  readonly kind: 'depthToSpace';
  readonly block: number;
  readonly mode: 'DCR' | 'CRD';
}

/**
 * The index of the largest element along `axis`, whose extent becomes 1; the last of several where `last`. In a quantized
 * graph it is on the grid of the numbers 0 to 255.
 */
export interface ArgMaxOp {
  readonly kind: 'argMax';
  readonly axis: number;
  readonly last: boolean;
}

/** x: N×H×W×C; local response normalization over `size` neighbouring channels. */
export interface LrnOp {
  readonly kind: 'lrn';
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** ONNX's ways from the index of an output to a position in the input. */
export type CoordinateTransform = 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
/** ONNX's ways from a position to the nearest index. */
export type NearestRounding = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';

/** x: N×H×W×C to N×size[0]×size[1]×C. */
export interface ResizeOp {
  readonly kind: 'resize';
  readonly mode: 'nearest' | 'linear';
  readonly transform: CoordinateTransform;
  /** Of `nearest`. */
  readonly rounding: NearestRounding;
  /** float32: what positions are computed with. Not always the ratio of the sizes. */
  readonly scales: Pair;
  readonly size: Pair;
}

/** Marks the real value `round(x / scale) + zeroPoint`, clamped; only between import and `fuse-qdq`. */
export interface FakeQuantOp {
  readonly kind: 'fakeQuant';
  readonly quant: QuantParams;
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
  | FakeQuantOp;

export type OpKind = Op['kind'];
export type OpOf<K extends OpKind> = Extract<Op, { kind: K }>;
