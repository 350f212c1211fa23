import { must } from '../../core/must.ts';
import type { AccumulatorModel } from '../../graph/types.ts';
import type { Requantizer } from '../../numeric/requantize.ts';
import { fitsWithoutPreload, preloadOf, type SumRange } from '../../proof/accumulator.ts';
import { foldedBias, type Geometry } from '../k-lanes/geometry.ts';
import type { ConstantArray } from '../kernel.ts';
import { block, slotOf } from './weights.ts';

const foldedIn = "in units of input scale * weight scale, the input's zero point folded in";

/** Sums that are finished in 32 bits: the bias, and where lanes need them their start values, which the bias takes off again. */
export function wideSums(
  g: Geometry,
  model: AccumulatorModel,
  slots: number,
  ranges: readonly (readonly SumRange[])[],
): ConstantArray[] {
  const segments = model.segments.length;
  // After the last flush the kernel may load once more, so one segment follows that is not used.
  const preload = new Int16Array(slots * segments + block);
  const preloadSum = new Int32Array(slots);
  const bias = new Int32Array(slots);
  ranges.forEach((own, c) => {
    own.forEach((range, segment) => {
      const start = preloadOf(range, 16);
      preload[slotOf(segments, c, segment)] = start;
      preloadSum[c]! += start;
    });
    bias[c] = foldedBias(g, c) - preloadSum[c]!;
  });
  const arrays: ConstantArray[] = [{ name: 'bias', data: bias, comment: foldedIn }];
  if (preload.every((p) => p === 0)) return arrays;
  return [
    ...arrays,
    { name: 'preload', data: preload, comment: `[blocks][${segments} segments][${block} channels] start values` },
    {
      name: 'preload_sum',
      data: preloadSum,
      comment: 'what the start values add to each sum; bias takes it off again',
    },
  ];
}

/**
 * Sums that stay in 16 bits to the end: `sat16(start + Σ x·w + rest)`, where `start + Σ x·w` is in 16 bits and
 * `start + rest` is the bias. Where no sum needs a start, all of the bias is added in the end, so that the first product
 * starts the sum; where whole sums fit, there is no rest.
 * @returns undefined where there are flushes, or no such start
 */
export function narrowSums(
  g: Geometry,
  requantizer: Requantizer,
  ranges: readonly (readonly SumRange[])[],
): ConstantArray[] | undefined {
  if (requantizer.format !== 'fixed16' || ranges.some((own) => own.length > 1)) return undefined;
  const start = new Int16Array(Math.ceil(ranges.length / block) * block);
  const rest = new Int16Array(start.length);
  const unstarted = ranges.every(([range], c) => {
    const bias = foldedBias(g, c);
    return fitsWithoutPreload(must(range, 'range'), 16) && bias >= -32768 && bias <= 32767;
  });
  for (const [c, [range]] of ranges.entries()) {
    const bias = foldedBias(g, c);
    const split = unstarted ? 0 : splitBias(bias, must(range, 'range'));
    if (split === undefined) return undefined;
    [start[c], rest[c]] = [split, bias - split];
  }
  const saturates = unstarted || rest.some((r) => r !== 0);
  return [
    ...(unstarted ? [] : [{ name: 'start', data: start, comment: foldedIn }]),
    ...(saturates ? [{ name: 'rest', data: rest, comment: unstarted ? foldedIn : 'what is left of the bias' }] : []),
  ];
}

/**
 * The part of a 16-bit sum's bias that its accumulator starts from: as much as keeps the sum's range within 16 bits.
 * @returns undefined where it or what is left of the bias is not in 16 bits
 */
export function splitBias(bias: number, { lo, hi }: SumRange): number | undefined {
  const [least, most] = [Math.max(-32768, -32768 - lo), Math.min(32767, 32767 - hi)];
  const start = Math.min(most, Math.max(least, bias));
  return least > most || Math.abs(bias - start) > 32767 ? undefined : start;
}
