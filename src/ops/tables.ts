import { exhaustive } from '../core/exhaustive.ts';
import type { QuantParams, Tensor, UnaryFunction } from '../graph/types.ts';
import { quantizeValue, quantOf } from './quantized.ts';

/** Tables that quantized operators look values up in. Kernels embed the same ones. */

/** The function's value, in double precision. Its formulas are ONNX's. */
export function evaluateUnary(fn: UnaryFunction, x: number): number {
  switch (fn.name) {
    case 'identity':
      return x;
    case 'clip':
      return Math.min(fn.hi, Math.max(fn.lo, x));
    case 'leakyRelu':
      return x < 0 ? fn.alpha * x : x;
    case 'linear':
      return fn.scale * x + fn.shift;
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh(x);
    case 'hardSigmoid':
      return Math.min(1, Math.max(0, fn.alpha * x + fn.beta));
    case 'hardSwish':
      return x * Math.min(1, Math.max(0, x / 6 + 0.5));
    default:
      return exhaustive(fn);
  }
}

/**
 * The function on int8: element `q + 128` is the output step of input step q, for every q from −128 to 127:
 * `quantizeValue(f(s_x·(q − zp_x)))`, so rounded to nearest, halves to even, and clamped to the output's range.
 */
export function unaryTable(fn: UnaryFunction, input: QuantParams, output: QuantParams): Int8Array {
  return Int8Array.from({ length: 256 }, (_, i) => {
    const real = input.scale[0]! * (i - 128 - input.zeroPoint);
    return quantizeValue(evaluateUnary(fn, real), output);
  });
}

/** The most elements that a quantized softmax runs over: a sum of so many exponentials is below 2^31. */
export const largestSoftmax = 2 ** 17 - 1;

/**
 * Exponentials of a quantized softmax: element d is `round(2^14 · exp(−s_x·d))`, halves up, for d = max − x from 0 to 255.
 * Element 0 is 2^14, so the sum is never 0.
 */
export function softmaxTable(input: Tensor): Uint16Array {
  const scale = quantOf(input).step;
  return Uint16Array.from({ length: 256 }, (_, d) => Math.round(2 ** 14 * Math.exp(-scale * d)));
}
