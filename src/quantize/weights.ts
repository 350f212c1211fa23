import type { AccumulatorModel } from '../graph/types.ts';
import { gridScale, type ScaleGrid } from './clipping.ts';
import { accumulatorOfProduct } from './segments.ts';

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
  readonly grid: ScaleGrid;
  /** The least scale of each channel, e.g. so that its bias fits 32 bits; positive. */
  readonly leastScale: ArrayLike<number>;
}

/**
 * Rounds to nearest, each channel with the smallest float32 scale for which every accumulator keeps the budget: Σ|q|
 * never falls when a scale shrinks, so bisecting over the float32 numbers finds exactly that scale (DESIGN §5).
 * @param weights channels × length, row-major
 */
export function roundWeights(
  weights: Float32Array,
  channels: number,
  model: AccumulatorModel,
  options: RoundingOptions,
): RoundedWeights {
  const length = weights.length / channels;
  const accumulators = accumulatorOfProduct(model, length);
  const sums = new Int32Array(model.segments.length * model.lanes);
  const data = new Int8Array(weights.length);
  const noises: number[] = [];
  const scale = Array.from({ length: channels }, (_, o) => {
    const w = weights.subarray(o * length, (o + 1) * length);
    const q = data.subarray(o * length, (o + 1) * length);
    const least = gridScale(Math.max(maxMagnitude(w) / options.limit, options.leastScale[o]!), options.grid);
    const budget = options.budgets[o]!;
    const fits = (s: number) => keepsBudget(w, s, { limit: options.limit, budget }, accumulators, sums);
    const smallest = options.grid === 'powerOfTwo' ? smallestPower(least, fits) : smallestFloat(least, fits);
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

/** `Math.round` of magnitudes: halves away from zero, so that the rounded magnitude is monotone in the scale. */
function magnitude(w: number, scale: number, limit: number): number {
  return Math.min(limit, Math.floor(Math.abs(w) / scale + 0.5));
}

function keepsBudget(
  w: Float32Array,
  scale: number,
  { limit, budget }: { readonly limit: number; readonly budget: number },
  accumulators: Int32Array,
  sums: Int32Array,
): boolean {
  sums.fill(0);
  for (let k = 0; k < w.length; k++) {
    const at = accumulators[k]!;
    const sum = sums[at]! + magnitude(w[k]!, scale, limit);
    if (sum > budget) return false;
    sums[at] = sum;
  }
  return true;
}

const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

/** Positive float32 numbers are ordered as their bit patterns are. */
function bitsOf(x: number): number {
  asFloat[0] = x;
  return asBits[0]!;
}

function floatOf(bits: number): number {
  asBits[0] = bits;
  return asFloat[0]!;
}

function smallestFloat(least: number, fits: (scale: number) => boolean): number {
  if (fits(least)) return least;
  let failing = bitsOf(least);
  let fitting = bitsOf(smallestPower(least, fits));
  while (fitting - failing > 1) {
    const middle = (failing + fitting) >>> 1;
    if (fits(floatOf(middle))) fitting = middle;
    else failing = middle;
  }
  return floatOf(fitting);
}

/** Ends: once the scale is above twice the largest weight, all of them round to 0. */
function smallestPower(least: number, fits: (scale: number) => boolean): number {
  let scale = least;
  while (!fits(scale)) scale *= 2;
  return scale;
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
