import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { sumRanges } from '../../../src/proof/accumulator.ts';
import { createPixelScaleSearch } from '../../../src/quantize/weights/pixel-scale.ts';
import { bitsOf, floatOf, magnitude } from '../../../src/quantize/weights/smallest-scale.ts';

const LENGTH = 24;
const LIMIT = 127;
const single = { bits: 16, lanes: 1, step: 1, runLength: LENGTH, segments: [LENGTH] };
const pixels = { channels: 8, sum: 12, steps: 7, extent: 511 };
const bounds = { limit: LIMIT, budget: 0 };

/** hi − lo of the sum of the weights, rounded at that scale. */
function extentAt(w: Float32Array, scale: number): number {
  const q = Array.from(w, (v) => Math.sign(v) * magnitude(v, scale, LIMIT));
  const [range] = sumRanges(single, q, { lo: 0, hi: pixels.steps, pixels });
  return range!.hi - range!.lo;
}

describe('scales under limits on pixels', () => {
  const search = createPixelScaleSearch(LENGTH, pixels);

  it.each([1, 2, 3, 4, 5, 6])('are the smallest that the proof allows, seed %i', (seed) => {
    const random = createRandom(seed);
    const w = Float32Array.from({ length: LENGTH }, () => random.normal());
    const scale = search.float(w, 2 ** -20, bounds);
    expect(extentAt(w, scale)).toBeLessThanOrEqual(pixels.extent);
    expect(extentAt(w, floatOf(bitsOf(scale) - 1))).toBeGreaterThan(pixels.extent);
    const power = search.power(w, 2 ** -20, bounds);
    expect(extentAt(w, power)).toBeLessThanOrEqual(pixels.extent);
    expect(extentAt(w, power / 2)).toBeGreaterThan(pixels.extent);
    expect([power / 2 < scale, scale <= power]).toEqual([true, true]);
  });

  it('are not below the least one', () => {
    const w = new Float32Array(LENGTH).fill(0.01);
    expect(search.float(w, 1, bounds)).toBe(1);
    expect(search.power(w, 1, bounds)).toBe(1);
  });
});
