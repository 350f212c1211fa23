import { invariant } from '../../core/diagnostics.ts';
import type { AccumulatorModel } from '../../graph/types.ts';
import { type AccumulatorProof, overflowOf, preloadOf, proofOf, type SumRange } from '../../proof/accumulator.ts';
import { tileChannels } from '../k-lanes/tile.ts';
import { type ByteWeights, weightsOfStep } from './pack.ts';
import { laneBits, laneCount } from './walk.ts';

export interface Certificate {
  readonly proof: AccumulatorProof;
  /** Start values, `[tile][segment][channel of the tile][lane]`; absent where every lane starts from zero. */
  readonly preload?: Int8Array;
  /** What the preloads add to a slot's sum. */
  readonly preloadSum: Int32Array;
}

/**
 * Proves every 8-bit lane, and every 16-bit sum of lanes that a flush makes, from the packed bytes (DESIGN §4).
 * @param x range of the input tensor
 * @throws invariant where one could overflow
 */
export function certifyBytes(packed: ByteWeights, x: SumRange, place: string): Certificate {
  const { walk, channelOf } = packed;
  const { runLength, segments } = walk;
  const model: AccumulatorModel = { bits: laneBits, lanes: laneCount, step: laneCount, runLength, segments };
  const ranges: SumRange[][] = [];
  const preload = new Int8Array(channelOf.length * segments.length * laneCount);
  const preloadSum = new Int32Array(channelOf.length);
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    const own = slotRanges(packed, slot, x);
    ranges[channel] = own;
    const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
    own.forEach((range, i) => {
      const [segment, lane] = [Math.floor(i / laneCount), i % laneCount];
      const start = preloadOf(range, laneBits);
      preload[((tile * segments.length + segment) * tileChannels + n) * laneCount + lane] = start;
      preloadSum[slot]! += start;
    });
  });
  const proof = proofOf(model, ranges);
  const overflow = overflowOf(proof);
  if (overflow !== undefined) {
    const { channel, range } = overflow;
    throw invariant(`output channel ${channel}: ${overflow.bits} bits range over ${range.lo}…${range.hi}`, place);
  }
  return { proof, preloadSum, ...(preload.some((p) => p !== 0) ? { preload } : {}) };
}

/** The ranges of one slot's accumulators, `[segment · lanes + lane]`, from the packed bytes. */
function slotRanges(packed: ByteWeights, slot: number, x: SumRange): SumRange[] {
  const { segments, steps } = packed.walk;
  const ranges = Array.from({ length: segments.length * laneCount }, () => ({ lo: 0, hi: 0 }));
  let segment = 0;
  for (let step = 0; step < steps; step++) {
    while (step >= segments[segment]!) segment++;
    weightsOfStep(packed, slot, step).forEach((w, lane) => {
      const range = ranges[segment * laneCount + lane]!;
      range.hi += Math.max(w * x.lo, w * x.hi);
      range.lo += Math.min(w * x.lo, w * x.hi);
    });
  }
  return ranges;
}
