/**
 * A histogram that grows in one pass over the data. It covers [−range, range) with a power of two as range, so that
 * growing merges neighbouring bins exactly and histograms of different tensors can be added.
 */
export interface Histogram {
  readonly counts: Float64Array;
  /** A power of two above every magnitude seen; 0 while nothing but zeros was seen. */
  range: number;
  /** Zeros are counted apart: every quantization holds them exactly. */
  zeros: number;
  /** All values, zeros included. */
  count: number;
  min: number;
  max: number;
  /** Σ x². */
  squares: number;
}

/** At least a quarter of the bins, 2048, lie inside a one-sided range. */
const BINS = 8192;
const HALF = BINS / 2;

export function createHistogram(): Histogram {
  const counts = new Float64Array(BINS);
  return { counts, range: 0, zeros: 0, count: 0, min: Infinity, max: -Infinity, squares: 0 };
}

/**
 * Adds values.
 * @returns false, with nothing added, where one of them is NaN or infinite
 */
export function addValues(h: Histogram, values: Float32Array): boolean {
  const { lo, hi, squares } = summarize(values);
  if (!Number.isFinite(squares)) return false;
  if (values.length === 0) return true;
  grow(h, Math.max(Math.abs(lo), Math.abs(hi)));
  h.min = Math.min(h.min, lo);
  h.max = Math.max(h.max, hi);
  h.squares += squares;
  h.count += values.length;
  const { counts, range } = h;
  const scale = range === 0 ? 0 : HALF / range;
  let zeros = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    // From the middle outwards, on the magnitude: scaling by a power of two is exact, adding HALF first would round. No
    // branches, as signs and zeros are random: zeros go into the bin above the middle, and out of it below.
    counts[HALF - (v < 0 ? 1 : 0) + ((v * scale) | 0)]!++;
    zeros += v === 0 ? 1 : 0;
  }
  counts[HALF]! -= zeros;
  h.zeros += zeros;
  return true;
}

/** NaN and infinities show in the sum of squares: the square of a float32 is finite in float64. */
function summarize(values: Float32Array): { lo: number; hi: number; squares: number } {
  let lo = Infinity;
  let hi = -Infinity;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v < lo) lo = v;
    if (v > hi) hi = v;
    squares += v * v;
  }
  return { lo, hi, squares };
}

/** Doubles the range until it is above `magnitude`. */
function grow(h: Histogram, magnitude: number): void {
  if (magnitude === 0 || magnitude < h.range) return;
  const range = powerAbove(magnitude);
  if (h.range > 0) for (let r = h.range; r < range; r *= 2) halve(h.counts);
  h.range = range;
}

/** The smallest power of two above a positive number. */
function powerAbove(x: number): number {
  let power = 2 ** Math.floor(Math.log2(x));
  while (power <= x) power *= 2;
  while (power / 2 > x) power /= 2;
  return power;
}

/** Merges pairs of bins around the middle: the same counts over twice the range. */
function halve(counts: Float64Array): void {
  const merged = new Float64Array(BINS);
  for (let i = 0; i < BINS; i++) merged[HALF / 2 + (i >> 1)]! += counts[i]!;
  counts.set(merged);
}

/** The histogram of both sets of values. */
export function mergeHistograms(all: readonly Histogram[]): Histogram {
  const sum = createHistogram();
  sum.range = Math.max(0, ...all.map((h) => h.range));
  for (const h of all) {
    const counts = h.counts.slice();
    if (h.range > 0) for (let r = h.range; r < sum.range; r *= 2) halve(counts);
    for (let i = 0; i < BINS; i++) sum.counts[i]! += counts[i]!;
    sum.zeros += h.zeros;
    sum.count += h.count;
    sum.min = Math.min(sum.min, h.min);
    sum.max = Math.max(sum.max, h.max);
    sum.squares += h.squares;
  }
  return sum;
}

/** The bins that hold something, as the centre and the count of each. */
export interface Bins {
  readonly centers: Float64Array;
  readonly counts: Float64Array;
}

/** Zeros are left out. The outermost bins' centres are moved inside [min, max]. */
export function filledBins(h: Histogram): Bins {
  const filled: number[] = [];
  for (let i = 0; i < BINS; i++) if (h.counts[i]! > 0) filled.push(i);
  const width = h.range / HALF;
  const inside = (x: number) => Math.min(h.max, Math.max(h.min, x));
  return {
    centers: Float64Array.from(filled, (i) => inside((i + 0.5 - HALF) * width)),
    counts: Float64Array.from(filled, (i) => h.counts[i]!),
  };
}
