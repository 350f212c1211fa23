import type { AccumulatorModel } from '../graph/types.ts';
import { limitedRanges, type PixelLimit } from './pixel-sums.ts';
import { accumulatorOfProduct } from './segments.ts';

/**
 * The bound of DESIGN §4. Two's-complement addition wraps, so a sum is exact if and only if its final value lies in a
 * known window of 2^bits integers; `lo` and `hi` below are attained by real inputs, so the bound is tight.
 */
export interface SumRange {
  readonly lo: number;
  readonly hi: number;
}

/** What a layer's weights are multiplied by: each operand is in [lo, hi], and where there is a limit, they keep it together. */
export interface OperandRange extends SumRange {
  readonly pixels?: PixelLimit;
}

export interface AccumulatorProof {
  readonly model: AccumulatorModel;
  /** For each output channel, the widest of its (lane, segment) sums. */
  readonly worst: readonly SumRange[];
  /** Where lanes have 8 bits: for each channel, the widest sum that a flush makes of them in 16 bits (`flushRanges`). */
  readonly flushed?: readonly SumRange[];
}

/** Lanes of 8 bits that a flush adds up in one of 16 before it widens that to 32. */
const lanesAFlush = 8;

/**
 * The range of each accumulator of one output channel.
 * @param weights K integer weights, in the order in which products are counted
 * @param x the input tensor's own range [µ, ν], and what its pixels keep
 * @returns one range for each segment and lane, `[segment · lanes + lane]`
 */
export function sumRanges(model: AccumulatorModel, weights: ArrayLike<number>, x: OperandRange): SumRange[] {
  return rangesOf(model, accumulatorOfProduct(model, weights.length), weights, x);
}

function rangesOf(
  model: AccumulatorModel,
  accumulators: Int32Array,
  weights: ArrayLike<number>,
  x: OperandRange,
): SumRange[] {
  const count = model.segments.length * model.lanes;
  const { pixels } = x;
  if (pixels !== undefined) return limitedRanges(accumulators, count, weights, x, pixels);
  const [lo, hi] = [new Float64Array(count), new Float64Array(count)];
  for (let k = 0; k < weights.length; k++) {
    const [low, high] = [weights[k]! * x.lo, weights[k]! * x.hi];
    lo[accumulators[k]!]! += Math.min(low, high);
    hi[accumulators[k]!]! += Math.max(low, high);
  }
  return Array.from(lo, (sum, i) => ({ lo: sum, hi: hi[i]! }));
}

/** True where a preloaded accumulator of `bits` bits holds every value of the range. */
export function fitsWindow(range: SumRange, bits: number): boolean {
  return range.hi - range.lo <= 2 ** bits - 1;
}

/** True where the accumulator may start from zero. */
export function fitsWithoutPreload(range: SumRange, bits: number): boolean {
  return range.lo >= -(2 ** (bits - 1)) && range.hi <= 2 ** (bits - 1) - 1;
}

/** The preload that centres the range in the window; 0 where none is needed. */
export function preloadOf(range: SumRange, bits: number): number {
  return fitsWithoutPreload(range, bits) ? 0 : -(2 ** (bits - 1)) - range.lo;
}

/** The sums that an accumulator with the preload of a range tells apart: 2^bits integers, the range among them. */
export function windowOf(range: SumRange, bits: number): SumRange {
  const lo = -(2 ** (bits - 1)) - preloadOf(range, bits);
  return { lo, hi: lo + 2 ** bits - 1 };
}

/**
 * The largest Σ|w| that one accumulator of `bits` bits holds: the extent of a sum's range is (ν − µ)·Σ|w|, whatever the
 * weights' signs.
 */
export function windowBudget(bits: number, x: SumRange): number {
  return Math.floor((2 ** bits - 1) / (x.hi - x.lo));
}

/** True for the 16 lanes of 8 bits of `vmlaq_s8`, which have a second level: they are added up in 16 bits, not in 32. */
export function isByteLanes({ bits, lanes }: AccumulatorModel): boolean {
  return bits <= 8 && lanes === 16;
}

/**
 * The second level of NEON lanes of 8 bits: what the 16-bit sums of eight neighbouring lanes hold at each flush, preloads
 * included, as the lanes are read with them. Nothing is kept in 16 bits from one flush to the next.
 * @param ranges of one channel, `[segment · lanes + lane]`, as `sumRanges` gives them
 */
export function flushRanges({ bits }: AccumulatorModel, ranges: readonly SumRange[]): SumRange[] {
  return Array.from({ length: ranges.length / lanesAFlush }, (_, i) => {
    const own = ranges.slice(i * lanesAFlush, (i + 1) * lanesAFlush);
    const preload = own.reduce((sum, range) => sum + preloadOf(range, bits), 0);
    return {
      lo: own.reduce((sum, { lo }) => sum + lo, preload),
      hi: own.reduce((sum, { hi }) => sum + hi, preload),
    };
  });
}

/** How much of its window the range uses, 1 for all of it. */
export function utilizationOf(range: SumRange, bits: number): number {
  return (range.hi - range.lo) / (2 ** bits - 1);
}

/** The widest range, by its extent. */
export function widest(ranges: readonly SumRange[]): SumRange {
  return ranges.reduce((a, b) => (b.hi - b.lo > a.hi - a.lo ? b : a), { lo: 0, hi: 0 });
}

/**
 * Proves all channels of a reduction.
 * @param weights channels × length, row-major
 * @throws never: whether the ranges fit is the caller's question (`fitsWindow`)
 */
export function proveReduction(
  model: AccumulatorModel,
  weights: Int8Array,
  channels: number,
  x: OperandRange,
): AccumulatorProof {
  const length = weights.length / channels;
  const accumulators = accumulatorOfProduct(model, length);
  const ranges = Array.from({ length: channels }, (_, o) =>
    rangesOf(model, accumulators, weights.subarray(o * length, (o + 1) * length), x),
  );
  return proofOf(model, ranges);
}

/** @param ranges of each channel's accumulators, as `sumRanges` gives them */
export function proofOf(model: AccumulatorModel, ranges: readonly (readonly SumRange[])[]): AccumulatorProof {
  const worst = ranges.map(widest);
  if (!isByteLanes(model)) return { model, worst };
  return { model, worst, flushed: ranges.map((own) => widest(flushRanges(model, own))) };
}

/**
 * The first channel with an accumulator that could overflow: with a range wider than its window or, at the second level,
 * which starts from no preload of its own, beyond 16 bits.
 * @returns undefined where the proof holds
 */
export function overflowOf({ model, worst, flushed = [] }: AccumulatorProof): Overflow | undefined {
  const lane = worst.findIndex((range) => !fitsWindow(range, model.bits));
  if (lane >= 0) return { channel: lane, bits: model.bits, range: worst[lane]! };
  const sum = flushed.findIndex((range) => !fitsWithoutPreload(range, 16));
  return sum < 0 ? undefined : { channel: sum, bits: 16, range: flushed[sum]! };
}

export interface Overflow {
  readonly channel: number;
  /** Of the accumulator that does not hold the range. */
  readonly bits: number;
  readonly range: SumRange;
}
