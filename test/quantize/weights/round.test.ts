import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Reduction } from '../../../src/ops/definition.ts';
import { fitsWindow, proveReduction, utilizationOf, windowBudget } from '../../../src/proof/accumulator.ts';
import { balancedSegments, greedySegments, singleSegment, stepwise } from '../../../src/proof/segments.ts';
import { type RoundingOptions, roundWeights } from '../../../src/quantize/weights/round.ts';

const INT8 = { lo: -128, hi: 127 };

function reductionOf(channels: number, runs: number, runLength: number, depthwise = false): Reduction {
  return { channels, length: runs * runLength, runLength, depthwise, macs: channels * runs * runLength };
}

function normalWeights(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal() * 0.1);
}

function rounding(channels: number, budget: number, more: Partial<RoundingOptions> = {}): RoundingOptions {
  const perChannel = (value: number) => new Array<number>(channels).fill(value);
  return { limit: 127, budgets: perChannel(budget), grid: 'float32', leastScale: perChannel(2 ** -100), ...more };
}

const layers = fc.record({
  channels: fc.integer({ min: 1, max: 4 }),
  runs: fc.integer({ min: 1, max: 3 }),
  runLength: fc.integer({ min: 1, max: 70 }),
  depthwise: fc.boolean(),
  lanes: fc.constantFrom<1 | 8>(1, 8),
  bits: fc.constantFrom(8, 12, 16, 32),
  seed: fc.integer({ min: 0, max: 1000 }),
});

describe('singleSegment', () => {
  it('puts K into 8 lanes, and channels into the lanes of a depthwise layer', () => {
    expect(singleSegment(reductionOf(4, 3, 9), 16, 8)).toEqual({
      bits: 16,
      lanes: 8,
      step: 16,
      runLength: 9,
      segments: [3],
    });
    expect(singleSegment(reductionOf(4, 9, 1, true), 16, 8)).toEqual({
      bits: 16,
      lanes: 1,
      step: 1,
      runLength: 1,
      segments: [9],
    });
    expect(singleSegment(reductionOf(4, 3, 9), 16, 1)).toEqual({
      bits: 16,
      lanes: 1,
      step: 1,
      runLength: 9,
      segments: [27],
    });
  });

  it('puts K into 16 lanes of 8 bits, and leaves 16 bits to layers with channels in the lanes', () => {
    const bytes = { bits: 8, lanes: 16, step: 16, runLength: 40, segments: [6] };
    expect(singleSegment(reductionOf(4, 2, 40), 8, 8)).toEqual(bytes);
    expect(singleSegment(reductionOf(4, 9, 1, true), 8, 8)).toMatchObject({ bits: 16, lanes: 1, step: 1 });
    const first = { ...reductionOf(4, 3, 9), shortRows: true };
    expect(singleSegment(first, 8, 8)).toMatchObject({ bits: 16, lanes: 1, step: 9 });
    expect(singleSegment(first, 8, 1)).toMatchObject({ bits: 8, lanes: 1, step: 1 });
  });
});

describe('balancedSegments', () => {
  it('cuts into the segments asked for, or one a step', () => {
    fc.assert(
      fc.property(
        layers,
        fc.integer({ min: 1, max: 12 }),
        ({ channels, runs, runLength, depthwise, lanes, seed }, count) => {
          const reduction = reductionOf(channels, runs, runLength, depthwise);
          const single = singleSegment(reduction, 16, lanes);
          const steps = single.segments[0]!;
          const weights = normalWeights(channels * reduction.length, seed);
          const { segments } = balancedSegments(single, weights, channels, count);
          expect(segments).toHaveLength(Math.min(count, steps));
          expect(segments.at(-1)).toBe(steps);
          expect([...new Set(segments)].sort((a, b) => a - b)).toEqual(segments);
        },
      ),
    );
  });

  it('gives the heavy steps a segment of their own', () => {
    const single = singleSegment(reductionOf(1, 1, 8), 16, 1);
    const weights = Float32Array.of(1, 1, 1, 1, 1, 1, 1, 7);
    expect(balancedSegments(single, weights, 1, 2).segments).toEqual([7, 8]);
  });
});

describe('greedySegments', () => {
  it('flushes as late as the widest channel allows', () => {
    const single = singleSegment(reductionOf(2, 1, 6), 16, 1);
    const weights = Int8Array.of(100, 100, 57, 1, 0, 0, /**/ 1, 1, 1, 1, 127, 127);
    expect(greedySegments(single, weights, 2, windowBudget(16, INT8)).segments).toEqual([3, 6]);
  });

  it('gives a step that is too much a segment of its own', () => {
    const single = singleSegment(reductionOf(1, 1, 4), 16, 1);
    expect(greedySegments(single, Int8Array.of(9, 1, 9, 1), 1, 5).segments).toEqual([1, 2, 3, 4]);
    expect(greedySegments(single, Int8Array.of(1, 9, 1, 1), 1, 5).segments).toEqual([1, 2, 4]);
  });

  it('gives a proven model with the fewest segments, found by trying all', () => {
    const random = fc.record({
      weights: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 8 }),
      budget: fc.integer({ min: 9, max: 20 }),
    });
    fc.assert(
      fc.property(random, ({ weights, budget }) => {
        const single = singleSegment(reductionOf(1, 1, weights.length), 16, 1);
        const greedy = greedySegments(single, Int8Array.from(weights), 1, budget).segments;
        const fits = (ends: readonly number[]) =>
          ends.every((end, i) => {
            const part = weights.slice(i === 0 ? 0 : ends[i - 1]!, end);
            return part.reduce((sum, w) => sum + Math.abs(w), 0) <= budget;
          });
        expect(fits(greedy)).toBe(true);
        const cuts = weights.length - 1;
        let fewest = Infinity;
        for (let mask = 0; mask < 2 ** cuts; mask++) {
          const ends = Array.from({ length: cuts }, (_, i) => i + 1).filter((_, i) => (mask >> i) & 1);
          if (fits([...ends, weights.length])) fewest = Math.min(fewest, ends.length + 1);
        }
        expect(greedy).toHaveLength(fewest);
      }),
    );
  });
});

describe('roundWeights', () => {
  it('is proven for every model, width and number of segments', () => {
    fc.assert(
      fc.property(layers, fc.constantFrom<number | 'flush'>(1, 2, 5, 'flush'), (layer, segments) => {
        const { channels, runs, runLength, depthwise, lanes, bits, seed } = layer;
        const reduction = reductionOf(channels, runs, runLength, depthwise);
        const weights = normalWeights(channels * reduction.length, seed);
        const single = singleSegment(reduction, bits, lanes);
        const model = segments === 'flush' ? stepwise(single) : balancedSegments(single, weights, channels, segments);
        const budget = windowBudget(bits, INT8);
        const { data, scale } = roundWeights(weights, channels, model, rounding(channels, budget));
        const final = segments === 'flush' ? greedySegments(single, data, channels, budget) : model;
        const proof = proveReduction(final, data, channels, INT8);
        expect(proof.worst.every((range) => fitsWindow(range, bits))).toBe(true);
        expect(data.every((q) => q >= -127 && q <= 127)).toBe(true);
        expect(scale.every((s) => s > 0 && s === Math.fround(s))).toBe(true);
      }),
    );
  });

  it('fills the accumulator where the budget binds', () => {
    const reduction = reductionOf(16, 3, 288);
    const weights = normalWeights(16 * reduction.length, 3);
    const model = singleSegment(reduction, 16, 1);
    const { data } = roundWeights(weights, 16, model, rounding(16, windowBudget(16, INT8)));
    const used = proveReduction(model, data, 16, INT8).worst.map((range) => utilizationOf(range, 16));
    expect(Math.min(...used)).toBeGreaterThan(0.97);
  });

  it('takes the smallest float32 scale that fits: the next smaller one does not', () => {
    const weights = normalWeights(40, 5);
    const model = singleSegment(reductionOf(1, 1, 40), 16, 1);
    const budget = 120;
    const norm = (s: number) => weights.reduce((sum, w) => sum + Math.floor(Math.abs(w) / s + 0.5), 0);
    const { data } = roundWeights(weights, 1, model, rounding(1, budget));
    // The integers tell the scale: find, by brute force over float32 numbers, where they come from.
    let bits = new Uint32Array(Float32Array.of(0.5).buffer)[0]!;
    const at = (pattern: number) => new Float32Array(Uint32Array.of(pattern).buffer)[0]!;
    for (let power = 22; power >= 0; power--) while (norm(at(bits - 2 ** power)) <= budget) bits -= 2 ** power;
    const expected = Int8Array.from(weights, (w) => Math.sign(w) * Math.floor(Math.abs(w) / at(bits) + 0.5));
    expect(norm(at(bits - 1))).toBeGreaterThan(budget);
    expect(data).toEqual(expected);
  });

  it('keeps full width where nothing binds', () => {
    const weights = Float32Array.of(1, -0.5, 0.25, 0.1);
    const model = singleSegment(reductionOf(1, 1, 4), 32, 1);
    const { data, scale, noise } = roundWeights(weights, 1, model, rounding(1, windowBudget(32, INT8)));
    expect(Array.from(data)).toEqual([127, -64, 32, 13]);
    expect(scale[0]).toBe(Math.fround(1 / 127));
    expect(noise).toBeLessThan(2e-5);
  });

  it('keeps powers of two, and the least scale of each channel', () => {
    const weights = Float32Array.of(1, 0.5, /**/ 0, 0, /**/ 1e-9, 1e-9);
    const model = singleSegment(reductionOf(3, 1, 2), 16, 1);
    const budget = windowBudget(16, INT8);
    const powers = roundWeights(
      weights,
      3,
      model,
      rounding(3, budget, { grid: 'powerOfTwo', leastScale: [1e-6, 1e-6, 1e-6] }),
    );
    expect(powers.scale).toEqual([2 ** -6, 2 ** -19, 2 ** -19]);
    expect(Array.from(powers.data)).toEqual([64, 32, 0, 0, 0, 0]);
    const floats = roundWeights(weights, 3, model, rounding(3, budget, { leastScale: [1e-6, 1e-6, 1e-6] }));
    expect(floats.scale.slice(1)).toEqual([Math.fround(1e-6), Math.fround(1e-6)]);
  });
});
