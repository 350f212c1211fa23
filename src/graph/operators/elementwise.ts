import type { QuantParams } from '../tensor.ts';
import type { Clamp, Float32Steps } from './common.ts';

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

/** Marks the real value `round(x / scale) + zeroPoint`, clamped; only between import and `fuse-qdq`. */
export interface FakeQuantOp {
  readonly kind: 'fakeQuant';
  readonly quant: QuantParams;
}
