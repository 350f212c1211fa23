import type { AccumulatorModel } from '../../graph/types.ts';
import type { Reduction } from '../../ops/definition.ts';
import { type OperandRange, type SumRange, windowBudget } from '../../proof/accumulator.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import type { PixelBudget } from './ledger.ts';

/**
 * How the range of a sum is known, before its weights are rounded to fit it:
 * - `worst-case`: from the widths of data and weights and the number of products alone, as the paper's solution space;
 * - `weights`: from the integer weights (DESIGN §4): exact;
 * - `calibrated`: from the sums that calibration data gives, widened by a guard factor: not proven.
 */
export type RangeAnalysis = 'worst-case' | 'weights' | 'calibrated';

export const analyses: readonly RangeAnalysis[] = ['worst-case', 'weights', 'calibrated'];

/** What a layer's integer weights may be, so that its sums fit their accumulators as the analysis sees them. */
export interface WeightBounds {
  /** The largest |q|; 0 where the analysis allows no weights but 0. */
  readonly limit: number;
  /** The largest Σ|q| in one accumulator, one for each output channel. */
  readonly budgets: ArrayLike<number>;
  /** Where pixels keep their sums: the bound in place of the budgets. */
  readonly pixels?: PixelBudget;
}

export interface BoundsRequest {
  readonly analysis: RangeAnalysis;
  readonly reduction: Reduction;
  readonly model: AccumulatorModel;
  readonly weightBits: number;
  /** The input's own range [µ, ν]. */
  readonly x: OperandRange;
  /** `calibrated`: for each channel how many times the proven budget its sums leave room for, at least 1. */
  readonly slack?: ArrayLike<number>;
}

export function weightBounds({ analysis, reduction, model, weightBits, x, slack }: BoundsRequest): WeightBounds {
  const budget = windowBudget(model.bits, x);
  const budgets = Float64Array.from({ length: reduction.channels }, (_, o) => Math.floor(budget * (slack?.[o] ?? 1)));
  const limit = largestWeight(weightBits);
  const { pixels } = x;
  if (pixels !== undefined) {
    return { limit, budgets, pixels: { ...pixels, steps: x.hi - x.lo, extent: 2 ** model.bits - 1 } };
  }
  if (analysis !== 'worst-case') return { limit, budgets };
  const bits = worstCaseWeightBits(model.bits, x, mostProducts(model, reduction.length));
  return { limit: Math.min(limit, largestWeight(bits)), budgets };
}

/** The largest magnitude of a symmetric integer weight of `bits` bits: 127 for 8; 0 for 1. */
export function largestWeight(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/**
 * The most weight bits, 8 at most, with which an accumulator holds any `products` products: the paper's bound, with the
 * window of DESIGN §4 in place of a sign bit. Below 2 where only weights of 0 fit.
 */
export function worstCaseWeightBits(accBits: number, x: SumRange, products: number): number {
  const each = windowBudget(accBits, x) / products;
  return Math.min(8, Math.floor(Math.log2(each + 1)) + 1);
}

/** The most products that one of the model's accumulators sums. */
export function mostProducts(model: AccumulatorModel, length: number): number {
  const counts = new Int32Array(model.segments.length * model.lanes);
  for (const at of accumulatorOfProduct(model, length)) counts[at]!++;
  return counts.reduce((a, b) => Math.max(a, b), 0);
}
