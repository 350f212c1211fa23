import type { Tensor } from '../../graph/types.ts';
import { windowBudget } from '../../proof/accumulator.ts';
import type { IntegerLayer } from '../../proof/certify.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import type { ScaleGrid } from '../steps/clipping.ts';
import { roundWeights } from '../weights/round.ts';
import type { SumStatistics } from './probe.ts';

export interface Coarsening {
  /** Real, channels × length. */
  readonly weights: Float32Array;
  /** For each channel the share of its sums that may stay; 1 keeps it as it is, 0 takes what is proven to fit. */
  readonly shares: readonly number[];
  /** The largest |q|. */
  readonly limit: number;
  readonly grid: ScaleGrid;
}

/** The layer's weights with some channels rounded again, to larger scales. */
export function coarsen(layer: IntegerLayer, { weights: real, shares, limit, grid }: Coarsening): Tensor {
  const { weights, reduction, integer, operands } = layer;
  const { length } = reduction;
  const model = integer.accumulator;
  const proven = windowBudget(model.bits, operands);
  const data = Int8Array.from(weights.data);
  const scale = shares.map((share, o) => {
    const own = data.subarray(o * length, (o + 1) * length);
    const current = weights.quant.scale[o]!;
    if (share === 1) return current;
    const budget = Math.max(proven, Math.floor(widestNorm(layer, own) * share));
    const channel = real.subarray(o * length, (o + 1) * length);
    const rounded = roundWeights(channel, 1, model, { limit, budgets: [budget], grid, leastScale: [current] });
    own.set(rounded.data);
    return rounded.scale[0]!;
  });
  return { ...weights, data, quant: { ...weights.quant, scale } };
}

/** The largest Σ|q| of one of a channel's accumulators. */
function widestNorm({ integer: { accumulator }, reduction }: IntegerLayer, weights: Int8Array): number {
  const norms = new Float64Array(accumulator.segments.length * accumulator.lanes);
  accumulatorOfProduct(accumulator, reduction.length).forEach((at, k) => {
    norms[at]! += Math.abs(weights[k]!);
  });
  return norms.reduce((a, b) => Math.max(a, b), 0);
}

/** The bias of `now`, such that the mean of each channel is that of `wanted`, which has other weights. */
export function keepMeans(
  wanted: IntegerLayer,
  before: SumStatistics,
  now: IntegerLayer,
  after: SumStatistics,
): Tensor {
  const [old, scale] = [wanted.weights.quant.scale, now.weights.quant.scale];
  const data = Int32Array.from(wanted.bias.data, (bias, o) => {
    const real = old[o]! * (bias + totalMean(before, o));
    return Math.round(real / scale[o]! - totalMean(after, o));
  });
  return { ...now.bias, data };
}

function totalMean({ mean, accumulators }: SumStatistics, channel: number): number {
  return mean.subarray(channel * accumulators, (channel + 1) * accumulators).reduce((a, b) => a + b, 0);
}
