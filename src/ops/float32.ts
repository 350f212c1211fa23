import type { AveragePoolOp, Tensor } from '../graph/types.ts';
import { makeRequantizer, type Requantizer } from '../numeric/requantize.ts';
import { poolDivision } from './pool-division.ts';
import { quantOf } from './quantized.ts';

/**
 * What ONNX Runtime's quantized operators without weights compute (`requant: 'float32'`), found by comparing with them:
 * float32 operations, each rounded to nearest, in this order. A fused multiply-add rounds once.
 */

/** Within these ratios of scales a product and a sum of QLinearAdd are exact in double precision: multiples of 2^−35 below 2^18. */
const [leastRatio, mostRatio] = [2 ** -12, 2 ** 8];

/** QLinearAdd: `y = clamp(rne(fma(a, factors[0], fma(b, factors[1], offset))))`, on the raw steps. */
export interface AddFactors {
  readonly factors: readonly [number, number];
  /** The output's zero point less those of the operands. */
  readonly offset: number;
}

export function addFactors(inputs: readonly Tensor[], output: Tensor): AddFactors {
  const y = quantOf(output);
  const [a, b] = inputs.map(quantOf) as [ReturnType<typeof quantOf>, ReturnType<typeof quantOf>];
  const factors = [Math.fround(a.step / y.step), Math.fround(b.step / y.step)] as const;
  const zeros = Math.fround(Math.fround(factors[0] * a.zeroPoint) + Math.fround(factors[1] * b.zeroPoint));
  return { factors, offset: Math.fround(y.zeroPoint - zeros) };
}

/** True where every compiler and processor gives the same sums. */
export function canAddInFloat32(inputs: readonly Tensor[], output: Tensor): boolean {
  return addFactors(inputs, output).factors.every((f) => f >= leastRatio && f <= mostRatio);
}

/** The sum before it is rounded to a step. Products and sums are exact here, so that `fround` rounds as `fma` does. */
export function fusedSum({ factors, offset }: AddFactors, a: number, b: number): number {
  return Math.fround(a * factors[0] + Math.fround(b * factors[1] + offset));
}

/** QLinearMul: `y = clamp(rne(fround(fround(product · factor) + zeroPoint)))`, the factor `fround(fround(s_a · s_b) / s_y)`. */
export function mulFactor(inputs: readonly Tensor[], output: Tensor): number {
  const [a, b] = inputs.map((t) => quantOf(t).step) as [number, number];
  return Math.fround(Math.fround(a * b) / quantOf(output).step);
}

/** The product before it is rounded to a step, on the output's zero point. */
export function scaledProduct(product: number, factor: number, zeroPoint: number): number {
  return Math.fround(Math.fround(product * factor) + zeroPoint);
}

/**
 * QLinearAveragePool: `y = clamp(rne(Σ values[x + 128] / count / step + zeroPoint))`, row by row, where `values` are the
 * real values of the input's steps. A pool over the whole plane is QLinearGlobalAveragePool, which sums integers: see
 * `globalPool`.
 */
export function poolValues(input: Tensor): Float32Array {
  const { step, zeroPoint } = quantOf(input);
  return Float32Array.from({ length: 256 }, (_, i) => (i - 128 - zeroPoint) * step);
}

export function isGlobalPool(op: AveragePoolOp, input: Tensor): boolean {
  return op.kernel[0] === input.shape[1] && op.kernel[1] === input.shape[2] && op.pads.every((p) => p === 0);
}

/** The multiplier of QLinearGlobalAveragePool. */
export function globalPool(op: AveragePoolOp, input: Tensor, output: Tensor): Requantizer {
  const count = op.kernel[0] * op.kernel[1];
  return makeRequantizer('float32', [Math.fround(quantOf(input).step / Math.fround(quantOf(output).step * count))]);
}

/** True where the number of positions inside the input is the divisor, or all windows have the same. */
export function canPoolInFloat32(op: AveragePoolOp, input: Tensor, output: Tensor): boolean {
  if (op.sum) return false;
  return !op.countIncludePad || poolDivision(op, input, output).divisors.length === 1;
}

/**
 * Exponentials of QLinearSoftmax: element d is `⌊scale · exp(−s_x·d)⌋` for d = max − x, with the largest scale that keeps
 * the sum of `count` of them in 32 bits, at most 2^23 − 1.
 */
export function wideSoftmaxTable(input: Tensor, count: number): Uint32Array {
  const scale = Math.min((2 ** 32 - 1) / count, 2 ** 23 - 1);
  const { step } = quantOf(input);
  return Uint32Array.from({ length: 256 }, (_, d) => Math.trunc(scale * Math.exp(-step * d)));
}
