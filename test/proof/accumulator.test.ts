import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccumulatorModel } from '../../src/graph/types.ts';
import { laneOf, stepCount, stepOf } from '../../src/ops/definition.ts';
import {
  fitsWindow,
  fitsWithoutPreload,
  flushRanges,
  overflowOf,
  preloadOf,
  proofOf,
  proveReduction,
  sumRanges,
  utilizationOf,
  widest,
  windowBudget,
} from '../../src/proof/accumulator.ts';
import { segmentOf } from '../../src/proof/segments.ts';

/** Models of every shape with their number of products: some runs, some lanes, segments anywhere. */
const models = fc
  .record({
    bits: fc.integer({ min: 4, max: 16 }),
    lanes: fc.constantFrom(1, 2, 8),
    stepsALane: fc.integer({ min: 1, max: 2 }),
    runLength: fc.integer({ min: 1, max: 20 }),
    runs: fc.integer({ min: 1, max: 3 }),
    ends: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
  })
  .map(({ bits, lanes, stepsALane, runLength, runs, ends }) => {
    const shape = { bits, lanes, step: lanes * stepsALane, runLength };
    const steps = stepCount(shape, runs * runLength);
    const segments = [...new Set([...ends.filter((end) => end < steps), steps])].sort((a, b) => a - b);
    return { model: { ...shape, segments } satisfies AccumulatorModel, length: runs * runLength };
  });

/** Wraps as an accumulator of `bits` bits does. */
function wrap(x: number, bits: number): number {
  const span = 2 ** bits;
  const low = ((x % span) + span) % span;
  return low >= span / 2 ? low - span : low;
}

describe('segmentOf', () => {
  it('is the first segment that ends behind the step', () => {
    fc.assert(
      fc.property(models, ({ model }) => {
        const { segments } = model;
        for (let step = 0; step < segments.at(-1)!; step++) {
          expect(segmentOf(model, step)).toBe(segments.findIndex((end) => step < end));
        }
      }),
    );
  });
});

describe('sumRanges', () => {
  it('is attained at both ends by inputs, checked by brute force', () => {
    const tiny = fc.record({
      weights: fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 5 }),
      lo: fc.integer({ min: -3, max: 0 }),
      extent: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(tiny, ({ weights, lo, extent }) => {
        const model = { bits: 16, lanes: 1, step: 1, runLength: weights.length, segments: [weights.length] };
        const sums = weights.reduce<number[]>(
          (all, w) => all.flatMap((sum) => Array.from({ length: extent + 1 }, (_, i) => sum + w * (lo + i))),
          [0],
        );
        const [range] = sumRanges(model, weights, { lo, hi: lo + extent });
        expect(range!.lo).toBe(Math.min(...sums));
        expect(range!.hi).toBe(Math.max(...sums));
      }),
    );
  });

  it('gives each accumulator its own products', () => {
    fc.assert(
      fc.property(models, ({ model, length }) => {
        const weights = Array.from({ length }, (_, k) => k + 1);
        const ranges = sumRanges(model, weights, { lo: 0, hi: 1 });
        const expected = new Array<number>(model.segments.length * model.lanes).fill(0);
        weights.forEach((w, k) => {
          expected[segmentOf(model, stepOf(model, k)) * model.lanes + laneOf(model, k)]! += w;
        });
        expect(ranges.map((r) => r.hi)).toEqual(expected);
      }),
    );
  });

  it('puts the pixels of a 3-channel row of 16 bytes into lanes, each row on a step boundary', () => {
    const model = { bits: 16, lanes: 8, step: 16, runLength: 9, segments: [1, 3] };
    const ranges = sumRanges(model, new Array<number>(27).fill(1), { lo: -128, hi: 127 });
    const hi = ranges.map((r) => r.hi / 127);
    expect(hi).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 4, 2, 2, 2, 2, 2, 2, 2]);
  });
});

describe('the window', () => {
  it('makes wrapping sums exact, whatever the order and the intermediate overflows', () => {
    const sums = fc.record({
      bits: fc.integer({ min: 8, max: 16 }),
      weights: fc.array(fc.integer({ min: -127, max: 127 }), { minLength: 1, maxLength: 40 }),
      lo: fc.integer({ min: -128, max: 0 }),
      hi: fc.integer({ min: 1, max: 127 }),
      at: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 }),
    });
    let exercised = 0;
    fc.assert(
      fc.property(sums, ({ bits, weights, lo, hi, at }) => {
        const model = { bits, lanes: 1, step: 1, runLength: weights.length, segments: [weights.length] };
        const range = widest(sumRanges(model, weights, { lo, hi }));
        fc.pre(fitsWindow(range, bits));
        exercised++;
        const preload = preloadOf(range, bits);
        let [accumulator, exact] = [wrap(preload, bits), 0];
        weights.forEach((w, k) => {
          const product = w * Math.round(lo + at[k]! * (hi - lo));
          accumulator = wrap(accumulator + product, bits);
          exact += product;
        });
        expect(accumulator - preload).toBe(exact);
      }),
      { numRuns: 2000 },
    );
    expect(exercised).toBeGreaterThan(0);
  });

  it('is as wide as it can be: one more and two inputs give the same accumulator', () => {
    const range = { lo: -100, hi: 156 };
    expect(fitsWindow(range, 8)).toBe(false);
    expect(fitsWindow({ lo: -100, hi: 155 }, 8)).toBe(true);
    expect(wrap(range.lo, 8)).toBe(wrap(range.hi, 8));
  });

  it('needs no preload where the range fits around zero', () => {
    expect(fitsWithoutPreload({ lo: -32768, hi: 32767 }, 16)).toBe(true);
    expect(preloadOf({ lo: -32768, hi: 32767 }, 16)).toBe(0);
    expect(fitsWithoutPreload({ lo: -32769, hi: 0 }, 16)).toBe(false);
    expect(preloadOf({ lo: -32769, hi: 0 }, 16)).toBe(1);
    expect(preloadOf({ lo: 0, hi: 65535 }, 16)).toBe(-32768);
  });

  it('allows 257, 516, 1040, 2114 and 4369 as Σ|w| for 8 to 4 data bits', () => {
    const budgets = [8, 7, 6, 5, 4].map((b) => windowBudget(16, { lo: -(2 ** (b - 1)), hi: 2 ** (b - 1) - 1 }));
    expect(budgets).toEqual([257, 516, 1040, 2114, 4369]);
  });

  it('has a budget that is exact: Σ|w| keeps it if and only if the range fits', () => {
    const cases = fc.record({
      bits: fc.integer({ min: 8, max: 16 }),
      weights: fc.array(fc.integer({ min: -127, max: 127 }), { minLength: 1, maxLength: 20 }),
      lo: fc.integer({ min: -128, max: 0 }),
      hi: fc.integer({ min: 1, max: 127 }),
    });
    fc.assert(
      fc.property(cases, ({ bits, weights, lo, hi }) => {
        const model = { bits, lanes: 1, step: 1, runLength: weights.length, segments: [weights.length] };
        const norm = weights.reduce((sum, w) => sum + Math.abs(w), 0);
        const fits = fitsWindow(widest(sumRanges(model, weights, { lo, hi })), bits);
        expect(norm <= windowBudget(bits, { lo, hi })).toBe(fits);
      }),
    );
  });

  it('is used whole by a range of its size', () => {
    expect(utilizationOf({ lo: -32768, hi: 32767 }, 16)).toBe(1);
  });
});

describe('proveReduction', () => {
  it('gives the widest accumulator of each channel', () => {
    const model = { bits: 16, lanes: 1, step: 1, runLength: 2, segments: [1, 2] };
    const proof = proveReduction(model, Int8Array.of(1, -2, 100, 3), 2, { lo: -1, hi: 2 });
    expect(proof.worst).toEqual([
      { lo: -4, hi: 2 },
      { lo: -100, hi: 200 },
    ]);
  });
});

describe('the second level of 8-bit lanes', () => {
  const model = { bits: 8, lanes: 16, step: 16, runLength: 48, segments: [1, 3] };

  it('is what eight lanes add up to as a flush reads them: preloads included', () => {
    const weights = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 48, maxLength: 48 });
    fc.assert(
      fc.property(weights, fc.boolean(), (w, high) => {
        const x = { lo: -8, hi: 7 };
        const ranges = sumRanges(model, w, x);
        const levels = flushRanges(model, ranges);
        expect(levels).toHaveLength(4);
        // Add up an input that attains an end, lane by lane.
        const sums = new Array<number>(4).fill(0);
        w.forEach((weight, k) => {
          const flush = segmentOf(model, stepOf(model, k)) * 2 + Math.floor(laneOf(model, k) / 8);
          sums[flush]! += weight * (weight > 0 === high ? x.hi : x.lo);
        });
        ranges.forEach((range, i) => {
          sums[Math.floor(i / 8)]! += preloadOf(range, 8);
        });
        expect(levels.map((level) => (high ? level.hi : level.lo))).toEqual(sums);
      }),
    );
  });

  it('never leaves 16 bits where no lane leaves 8', () => {
    const full = Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? { lo: -255, hi: 0 } : { lo: 0, hi: 255 }));
    const proof = proofOf(model, [full]);
    expect(proof.flushed).toEqual([{ lo: -1024, hi: 1016 }]);
    expect(overflowOf(proof)).toBeUndefined();
  });

  it('is refused by itself where it does', () => {
    const proof = { model, worst: [{ lo: 0, hi: 255 }], flushed: [{ lo: 0, hi: 32768 }] };
    expect(overflowOf(proof)).toEqual({ channel: 0, bits: 16, range: { lo: 0, hi: 32768 } });
    expect(overflowOf({ ...proof, worst: [{ lo: 0, hi: 256 }] })).toMatchObject({ channel: 0, bits: 8 });
  });

  it('is none of wider or of scalar accumulators', () => {
    expect(proveReduction({ ...model, bits: 16 }, new Int8Array(48), 1, { lo: -8, hi: 7 }).flushed).toBeUndefined();
    expect(proveReduction({ ...model, lanes: 1 }, new Int8Array(48), 1, { lo: -8, hi: 7 }).flushed).toBeUndefined();
  });
});
