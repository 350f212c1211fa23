import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sumRanges } from '../../src/proof/accumulator.ts';
import { stepsAtEnd } from '../../src/proof/pixel-sums.ts';

/** All pixels of `channels` steps, 0 to `steps` each, that add up to `sum` at most. */
function pixelsOf(channels: number, steps: number, sum: number): number[][] {
  if (channels === 0) return [[]];
  return Array.from({ length: Math.min(steps, sum) + 1 }, (_, u) => u).flatMap((u) =>
    pixelsOf(channels - 1, steps, sum - u).map((rest) => [u, ...rest]),
  );
}

const single = (length: number) => ({ bits: 16, lanes: 1, step: 1, runLength: length, segments: [length] });

describe('sums of pixels that keep a limit', () => {
  const random = createRandom(5);
  const cases = Array.from({ length: 40 }, () => {
    const [channels, steps, taps] = [random.int(1, 4), random.int(1, 4), random.int(1, 3)];
    const weights = Array.from({ length: taps * channels }, () => random.int(-3, 3));
    return { channels, steps, taps, weights, sum: random.int(1, channels * steps), lo: random.int(-5, 5) };
  });

  it.each(cases)('reach from the least to the largest of all pixels: $channels channels, $taps taps', (c) => {
    const pixels = pixelsOf(c.channels, c.steps, c.sum);
    let [lo, hi] = [0, 0];
    for (let tap = 0; tap < c.taps; tap++) {
      const own = c.weights.slice(tap * c.channels, (tap + 1) * c.channels);
      const sums = pixels.map((u) => own.reduce((s, w, k) => s + w * (c.lo + u[k]!), 0));
      lo += Math.min(...sums);
      hi += Math.max(...sums);
    }
    const x = { lo: c.lo, hi: c.lo + c.steps, pixels: { channels: c.channels, sum: c.sum } };
    expect(sumRanges(single(c.weights.length), c.weights, x)).toEqual([{ lo, hi }]);
  });

  it('are those of the ranges alone where a pixel may have all of its channels at their ends', () => {
    for (const { channels, steps, weights, lo } of cases) {
      const x = { lo, hi: lo + steps };
      const limited = { ...x, pixels: { channels, sum: channels * steps } };
      expect(sumRanges(single(weights.length), weights, limited)).toEqual(
        sumRanges(single(weights.length), weights, x),
      );
    }
  });

  it('are known of each lane and segment', () => {
    const model = { bits: 16, lanes: 2, step: 2, runLength: 4, segments: [1, 2] };
    const x = { lo: 0, hi: 3, pixels: { channels: 4, sum: 4 } };
    // Lane 0 of the first segment sums product 0 only, …: each has the whole pixel to itself.
    expect(sumRanges(model, [2, -1, 1, 5], x)).toEqual([
      { lo: 0, hi: 6 },
      { lo: -3, hi: 0 },
      { lo: 0, hi: 3 },
      { lo: 0, hi: 15 },
    ]);
  });
});

describe('stepsAtEnd', () => {
  it('keeps the limit of each tap, and with real weights reaches both ends of the range', () => {
    const random = createRandom(2);
    for (const [steps, sum] of [
      [3, 1],
      [3, 7],
      [7, 12],
      [2, 8],
    ] as const) {
      const weights = Float64Array.from({ length: 12 }, () => random.normal());
      const limit = { channels: 4, sum };
      const [range] = sumRanges(single(12), weights, { lo: 0, hi: steps, pixels: limit });
      for (const end of [1, -1] as const) {
        const taken = stepsAtEnd(new Int32Array(12), weights, steps, limit, end);
        for (let tap = 0; tap < 12; tap += 4) {
          const own = taken.subarray(tap, tap + 4);
          expect(own.reduce((a, b) => a + b)).toBeLessThanOrEqual(sum);
          expect(Math.max(...own)).toBeLessThanOrEqual(steps);
        }
        const reached = weights.reduce((all, w, k) => all + w * taken[k]!, 0);
        expect(reached).toBeCloseTo(end === 1 ? range!.hi : range!.lo, 9);
      }
    }
  });
});
