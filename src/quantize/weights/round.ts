import type { AccumulatorModel } from '../../graph/types.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import { gridScale, type ScaleGrid } from '../steps/clipping.ts';
import type { PixelBudget } from './ledger.ts';
import { createPixelScaleSearch } from './pixel-scale.ts';
import { createScaleSearch, magnitude } from './smallest-scale.ts';

/** Integer weights of a layer and what rounding them cost. */
export interface RoundedWeights {
  /** channels × length, in [−limit, limit]. */
  readonly data: Int8Array;
  /** One float32 a channel. */
  readonly scale: readonly number[];
  /** Σ (w − scale·q)² / Σ w², averaged over the channels that have weights. */
  readonly noise: number;
}

export interface RoundingOptions {
  /** The largest magnitude of an integer weight: 127 for 8 bits. */
  readonly limit: number;
  /** The largest Σ|q| in one accumulator (DESIGN §4), one for each channel. */
  readonly budgets: ArrayLike<number>;
  /** In place of the budgets. */
  readonly pixels?: PixelBudget;
  readonly grid: ScaleGrid;
  /** The least scale of each channel, e.g. so that its bias fits 32 bits; positive. */
  readonly leastScale: ArrayLike<number>;
}

/**
 * Rounds to nearest, each channel with the smallest scale of the grid for which every accumulator keeps the budget: Σ|q|
 * never falls when a scale shrinks, so a search finds exactly that scale (DESIGN §5).
 * @param weights channels × length, row-major
 */
export function roundWeights(
  weights: Float32Array,
  channels: number,
  model: AccumulatorModel,
  options: RoundingOptions,
): RoundedWeights {
  const length = weights.length / channels;
  const search =
    options.pixels === undefined
      ? createScaleSearch(accumulatorOfProduct(model, length), model.segments.length * model.lanes)
      : createPixelScaleSearch(length, options.pixels);
  const data = new Int8Array(weights.length);
  const noises: number[] = [];
  const scale = Array.from({ length: channels }, (_, o) => {
    const w = weights.subarray(o * length, (o + 1) * length);
    const q = data.subarray(o * length, (o + 1) * length);
    const least = gridScale(Math.max(maxMagnitude(w) / options.limit, options.leastScale[o]!), options.grid);
    const bounds = { limit: options.limit, budget: options.budgets[o]! };
    const smallest = options.grid === 'powerOfTwo' ? search.power(w, least, bounds) : search.float(w, least, bounds);
    roundChannel(w, smallest, options.limit, q);
    const noise = channelNoise(w, q, smallest);
    if (noise !== undefined) noises.push(noise);
    return smallest;
  });
  return { data, scale, noise: noises.length === 0 ? 0 : noises.reduce((a, b) => a + b) / noises.length };
}

function maxMagnitude(w: Float32Array): number {
  let max = 0;
  for (let k = 0; k < w.length; k++) max = Math.max(max, Math.abs(w[k]!));
  return max;
}

function roundChannel(w: Float32Array, scale: number, limit: number, out: Int8Array): void {
  for (let k = 0; k < w.length; k++) out[k] = Math.sign(w[k]!) * magnitude(w[k]!, scale, limit);
}

function channelNoise(w: Float32Array, q: Int8Array, scale: number): number | undefined {
  let [error, power] = [0, 0];
  for (let k = 0; k < w.length; k++) {
    error += (w[k]! - scale * q[k]!) ** 2;
    power += w[k]! ** 2;
  }
  return power === 0 ? undefined : error / power;
}
