import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { AccumulatorModel } from '../../../src/graph/types.ts';
import { accumulatorOfProduct, balancedSegments, singleSegment, stepwise } from '../../../src/proof/segments.ts';
import { gridScale, type ScaleGrid } from '../../../src/quantize/steps/clipping.ts';
import { roundWeights } from '../../../src/quantize/weights/round.ts';
import { type ChannelBounds, createScaleSearch } from '../../../src/quantize/weights/smallest-scale.ts';

/** Whether all accumulators keep the budget, said plainly. */
function fits(w: Float32Array, scale: number, { limit, budget }: ChannelBounds, accumulators: Int32Array): boolean {
  const sums = new Map<number, number>();
  w.forEach((v, k) => {
    const at = accumulators[k]!;
    sums.set(at, (sums.get(at) ?? 0) + Math.min(limit, Math.floor(Math.abs(v) / scale + 0.5)));
  });
  return [...sums.values()].every((sum) => sum <= budget);
}

const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]!;
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

/** The oracle: doubling until it fits, then bisection over all float32 numbers, with every weight rounded at each. */
function smallest(
  w: Float32Array,
  least: number,
  bounds: ChannelBounds,
  accumulators: Int32Array,
  grid: ScaleGrid,
): number {
  let power = least;
  while (!fits(w, power, bounds, accumulators)) power *= 2;
  if (grid === 'powerOfTwo' || power === least) return power;
  let [failing, fitting] = [bitsOf(least), bitsOf(power)];
  while (fitting - failing > 1) {
    const middle = (failing + fitting) >>> 1;
    if (fits(w, floatOf(middle), bounds, accumulators)) fitting = middle;
    else failing = middle;
  }
  return floatOf(fitting);
}

/** Channels of every kind: normal, with a few that are far larger, all alike (so that they tie), halves of a step, 0, tiny. */
const kinds = ['normal', 'outliers', 'equal', 'halves', 'zeros', 'tiny'] as const;

function weightsOf(kind: (typeof kinds)[number], length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const normal = () => random.normal() * 0.1;
  return Float32Array.from({ length }, () => {
    const v = normal();
    if (kind === 'outliers') return Math.abs(v) > 0.15 ? v * 100 : v;
    if (kind === 'equal') return Math.sign(v) * 0.3;
    if (kind === 'halves') return Math.round(v * 40) / 16;
    if (kind === 'tiny') return v * 2 ** -120;
    return kind === 'zeros' && Math.abs(v) < 0.1 ? 0 : v;
  });
}

const cases = fc.record({
  kind: fc.constantFrom(...kinds),
  channels: fc.integer({ min: 1, max: 3 }),
  runs: fc.integer({ min: 1, max: 3 }),
  runLength: fc.integer({ min: 1, max: 150 }),
  lanes: fc.constantFrom<1 | 8>(1, 8),
  bits: fc.constantFrom(8, 12, 16),
  segments: fc.constantFrom<number | 'flush'>(1, 2, 5, 'flush'),
  depthwise: fc.boolean(),
  grid: fc.constantFrom<ScaleGrid>('float32', 'powerOfTwo'),
  limit: fc.constantFrom(1, 3, 7, 127),
  budget: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 20, max: 9000 })),
  leastScale: fc.constantFrom(2 ** -100, 2 ** -120, 0.001, 0.02),
  seed: fc.integer({ min: 0, max: 10000 }),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function modelOf({ channels, runs, runLength, lanes, bits, segments, depthwise }: Case, w: Float32Array) {
  const length = runs * runLength;
  const reduction = { channels, length, runLength, depthwise, macs: channels * length };
  const single = singleSegment(reduction, bits, lanes);
  return segments === 'flush' ? stepwise(single) : balancedSegments(single, w, channels, segments);
}

describe('roundWeights', () => {
  it('gives the scales and integers of a search that rounds every weight at every scale it tries', () => {
    const seen = { kept: 0, larger: 0, zero: 0 };
    fc.assert(
      fc.property(cases, (given) => {
        const { kind, channels, runs, runLength, grid, limit, budget, leastScale, seed } = given;
        const length = runs * runLength;
        const weights = weightsOf(kind, channels * length, seed);
        const model: AccumulatorModel = modelOf(given, weights);
        const accumulators = accumulatorOfProduct(model, length);
        const budgets = Array.from({ length: channels }, (_, o) => budget + o);
        const leastScales = new Array<number>(channels).fill(leastScale);
        const rounded = roundWeights(weights, channels, model, { limit, budgets, grid, leastScale: leastScales });
        for (let o = 0; o < channels; o++) {
          const w = weights.subarray(o * length, (o + 1) * length);
          const full = w.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / limit;
          const least = gridScale(Math.max(full, leastScale), grid);
          const scale = smallest(w, least, { limit, budget: budgets[o]! }, accumulators, grid);
          expect(rounded.scale[o]).toBe(scale);
          const integers = w.map((v) => Math.sign(v) * Math.min(limit, Math.floor(Math.abs(v) / scale + 0.5)));
          expect(rounded.data.subarray(o * length, (o + 1) * length)).toEqual(Int8Array.from(integers));
          if (scale === least) seen.kept++;
          else seen.larger++;
          if (integers.every((q) => q === 0)) seen.zero++;
        }
      }),
      { numRuns: 600 },
    );
    expect(Math.min(seen.kept, seen.larger, seen.zero)).toBeGreaterThan(20);
  });
});

describe('createScaleSearch', () => {
  it('goes on to the accumulators that the fullest one hides', () => {
    // At the least scale the first accumulator is the fullest; at the scale that it needs, rounding makes the second too full.
    const accumulators = Int32Array.of(0, 0, 0, 1, 1, 1);
    const w = Float32Array.of(100, 3.4, 3.4, 35.47, 35.47, 35.47);
    const bounds = { limit: 127, budget: 100 };
    const own = (from: number) => smallest(w.subarray(from, from + 3), 1, bounds, new Int32Array(3), 'float32');
    expect(own(3)).toBeGreaterThan(own(0));
    const search = createScaleSearch(accumulators, 2);
    expect(search.float(w, 1, bounds)).toBe(smallest(w, 1, bounds, accumulators, 'float32'));
  });

  it('starts anew with every channel', () => {
    const accumulators = new Int32Array(50);
    const search = createScaleSearch(accumulators, 1);
    const bounds = { limit: 127, budget: 60 };
    for (const seed of [1, 2, 3]) {
      const w = weightsOf('normal', 50, seed);
      expect(search.float(w, 0.001, bounds)).toBe(smallest(w, Math.fround(0.001), bounds, accumulators, 'float32'));
    }
  });
});
