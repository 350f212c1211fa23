import type { QuantParams } from '../../graph/types.ts';
import type { RequantFormat } from '../../numeric/requantize.ts';
import { type Bins, filledBins, type Histogram } from '../histogram.ts';

/** How the range of an activation is chosen: all that was seen, or the clip with the least squared error. */
export type Clipping = 'minmax' | 'mse';

/** The values that a scale may take: any float32, or powers of two (the `shift` requantization). */
export type ScaleGrid = 'float32' | 'powerOfTwo';

/** The scales that a requantization can take. */
export function gridOf(requant: RequantFormat): ScaleGrid {
  return requant === 'shift' ? 'powerOfTwo' : 'float32';
}

export interface ClippingOptions {
  /** Steps from the lowest integer to the highest: 2^bits − 1 where all of `bits` bits are used. */
  readonly steps: number;
  readonly clipping: Clipping;
  readonly grid: ScaleGrid;
}

/** An empty range gets this step: any does, as only zero was seen. */
const STEP_OF_NOTHING = 1 / 128;
/** Candidate clips are 2^(−i/16) of the largest magnitude, down to a sixteenth of it. */
const CANDIDATES_AN_OCTAVE = 16;
const OCTAVES = 4;

/** The lowest and the highest signed integer of `bits` bits. */
export function signedRange(bits: number): { qmin: number; qmax: number } {
  return rangeOfSteps(stepsOf(bits));
}

/** Steps between the lowest and the highest integer of `bits` bits. */
export function stepsOf(bits: number): number {
  return 2 ** bits - 1;
}

/** Signed integers around 0, one more below it where their number is even. */
export function rangeOfSteps(steps: number): { qmin: number; qmax: number } {
  const qmin = -Math.ceil(steps / 2);
  return { qmin, qmax: qmin + steps };
}

/**
 * int8 parameters of `steps` steps for real values in [lo, hi], 0 included, which is exact. Never negative (`lo` = 0) gives
 * `qmin = zeroPoint`, so that all steps are used (DESIGN §3).
 */
export function paramsForRange(lo: number, hi: number, steps: number, grid: ScaleGrid): QuantParams {
  const { qmin, qmax } = rangeOfSteps(steps);
  const least = Math.min(0, lo);
  const scale = gridScale((Math.max(0, hi) - least) / (qmax - qmin), grid);
  const zeroPoint = Math.min(qmax, Math.max(qmin, Math.round(qmin - least / scale)));
  return { scale: [scale], zeroPoint, qmin, qmax };
}

/** The nearest scale of the grid that is not below; never 0. */
export function gridScale(scale: number, grid: ScaleGrid): number {
  if (!(scale > 0)) return STEP_OF_NOTHING;
  return grid === 'powerOfTwo' ? 2 ** Math.ceil(Math.log2(scale)) : Math.max(Math.fround(scale), 2 ** -126);
}

/** Σ (x − dequantize(quantize(x)))² over the bins. */
export function squaredError(bins: Bins, quant: QuantParams): number {
  const scale = quant.scale[0]!;
  const { qmin, qmax, zeroPoint } = quant;
  let sum = 0;
  for (let i = 0; i < bins.centers.length; i++) {
    const x = bins.centers[i]!;
    const q = Math.round(x / scale) + zeroPoint;
    const error = x - scale * ((q < qmin ? qmin : q > qmax ? qmax : q) - zeroPoint);
    sum += error * error * bins.counts[i]!;
  }
  return sum;
}

/** The same for all values of a histogram, relative to Σ x²; 0 where only zeros were seen. */
export function relativeError(h: Histogram, quant: QuantParams): number {
  return h.squares === 0 ? 0 : squaredError(filledBins(h), quant) / h.squares;
}

/**
 * Chooses the parameters of one activation.
 * @returns the parameters and their relative squared error, Σ error² / Σ x² (0 where only zeros were seen)
 */
export function chooseParams(h: Histogram, options: ClippingOptions): { quant: QuantParams; noise: number } {
  const { steps, grid } = options;
  const bins = filledBins(h);
  const relative = (quant: QuantParams) => (h.squares === 0 ? 0 : squaredError(bins, quant) / h.squares);
  const [lo, hi] = h.count === 0 ? [0, 0] : [Math.min(0, h.min), Math.max(0, h.max)];
  const widest = paramsForRange(lo, hi, steps, grid);
  if (options.clipping === 'minmax') return { quant: widest, noise: relative(widest) };
  let best = { lo, hi, quant: widest, noise: relative(widest) };
  const attempt = (low: number, high: number) => {
    const quant = paramsForRange(low, high, steps, grid);
    const noise = relative(quant);
    if (noise < best.noise) best = { lo: low, hi: high, quant, noise };
  };
  const fractions = candidateFractions();
  for (const f of fractions) attempt(lo * f, hi * f);
  if (lo < 0 && hi > 0) {
    // Two-sided: then each end for itself, from where both together were best.
    const { hi: high } = best;
    for (const f of fractions) attempt(lo * f, high);
    const { lo: low } = best;
    for (const f of fractions) attempt(low, hi * f);
  }
  return { quant: best.quant, noise: best.noise };
}

function candidateFractions(): number[] {
  return Array.from({ length: OCTAVES * CANDIDATES_AN_OCTAVE }, (_, i) => 2 ** (-(i + 1) / CANDIDATES_AN_OCTAVE));
}
