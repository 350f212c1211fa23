import type { QuantParams, Tensor, UnaryFunction } from '../graph/types.ts';
import { quantizeValue, quantOf } from './quantized.ts';
import { evaluateUnary } from './unary-functions.ts';

/** Tables that quantized operators look values up in. Kernels embed the same ones. */

/**
 * The function on int8: element `q + 128` is the output step of input step q, for every q from −128 to 127:
 * `quantizeValue(f(s_x·(q − zp_x)))`, so rounded to nearest, halves to even, and clamped to the output's range. Where the
 * function has no value (the root of a negative one), it is the output's zero point.
 */
export function unaryTable(fn: UnaryFunction, input: QuantParams, output: QuantParams): Int8Array {
  return Int8Array.from({ length: 256 }, (_, i) => {
    const real = input.scale[0]! * (i - 128 - input.zeroPoint);
    const value = evaluateUnary(fn, real);
    return Number.isNaN(value) ? output.zeroPoint : quantizeValue(value, output);
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
