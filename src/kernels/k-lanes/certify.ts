import { invariant } from '../../core/diagnostics.ts';
import type { AccumulatorModel } from '../../graph/types.ts';
import {
  type AccumulatorProof,
  fitsWindow,
  fitsWithoutPreload,
  preloadOf,
  type SumRange,
  widest,
} from '../../proof/accumulator.ts';
import { forEachWeight, type PackedWeights } from './pack.ts';
import { laneCount, laneModel } from './walk.ts';

/** The ranges of one slot's accumulators, `[segment · lanes + lane]`, from the packed bytes. */
function slotRanges(packed: PackedWeights, slot: number, segments: readonly number[], x: SumRange): SumRange[] {
  const ranges = Array.from({ length: segments.length * laneCount }, () => ({ lo: 0, hi: 0 }));
  let segment = 0;
  forEachWeight(packed, slot, (step, lane, w) => {
    if (step === 0) segment = 0;
    while (step >= segments[segment]!) segment++;
    const range = ranges[segment * laneCount + lane]!;
    range.hi += Math.max(w * x.lo, w * x.hi);
    range.lo += Math.min(w * x.lo, w * x.hi);
  });
  return ranges;
}

export interface Certificate {
  readonly proof: AccumulatorProof;
  /** Start values, `[tile][segment][channel of the tile][lane]`; absent where every accumulator starts from zero. */
  readonly preload?: Int16Array;
  /** What the preloads add to a slot's sum. */
  readonly preloadSum: Int32Array;
}

/**
 * Proves every 16-bit lane from the packed bytes (DESIGN §4).
 * @param x range of the input tensor
 * @param measured for each channel the ranges that its lanes are taken to have, where they are not proven
 * @param preloaded whether lanes start from values that centre their ranges where they need it, else from zero
 * @throws invariant where a lane could overflow
 */
export function certify(
  packed: PackedWeights,
  segments: readonly number[],
  x: SumRange,
  preloaded: boolean,
  place: string,
  measured?: readonly (readonly SumRange[])[],
): Certificate {
  const model: AccumulatorModel = laneModel(packed.walk, segments);
  const { tileChannels, channelOf } = packed;
  const worst: SumRange[] = [];
  // After the last flush the kernel loads once more, so one segment follows that is not used.
  const preload = new Int16Array((channelOf.length * segments.length + tileChannels) * laneCount);
  const preloadSum = new Int32Array(channelOf.length);
  channelOf.forEach((channel, slot) => {
    const ranges = measured?.[channel] ?? slotRanges(packed, slot, segments, x);
    if (channel >= 0) worst[channel] = widest(ranges);
    ranges.forEach((range, i) => {
      if (!(preloaded ? fitsWindow(range, 16) : fitsWithoutPreload(range, 16))) {
        throw invariant(`output channel ${channel}: a 16-bit lane ranges over ${range.lo}…${range.hi}`, place);
      }
      const [segment, lane] = [Math.floor(i / laneCount), i % laneCount];
      const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
      const start = preloadOf(range, 16);
      preload[((tile * segments.length + segment) * tileChannels + n) * laneCount + lane] = start;
      preloadSum[slot]! += start;
    });
  });
  return { proof: { model, worst }, preloadSum, ...(preload.some((p) => p !== 0) ? { preload } : {}) };
}
