import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';

const take = <T>(n: number, next: () => T): T[] => Array.from({ length: n }, next);

describe('createRandom', () => {
  it('gives the same numbers for the same seed, for ever', () => {
    const random = createRandom(1);
    expect(take(4, random.uint32)).toEqual([2438053027, 3975075076, 2349595865, 203196815]);
    expect(take(3, () => random.int(-128, 127))).toEqual([72, 21, -101]);
    expect(random.normal()).toBe(-0.23017370700836182);
  });

  it('gives other numbers for another seed or stream', () => {
    const first = [createRandom(1), createRandom(2), createRandom(1, 1), createRandom(2, 1)].map((r) => r.uint32());
    expect(new Set(first).size).toBe(4);
  });

  it('has floats that are exact in float32 and below 1', () => {
    const random = createRandom(3);
    for (const value of take(10_000, random.float)) {
      expect(value).toBe(Math.fround(value));
      expect(value >= 0 && value < 1).toBe(true);
    }
  });

  it('has integers that reach both ends, evenly', () => {
    const random = createRandom(4);
    const counts = new Array<number>(5).fill(0);
    for (const value of take(50_000, () => random.int(-2, 2))) counts[value + 2] = (counts[value + 2] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    expect(random.int(7, 7)).toBe(7);
    expect(random.int(0, 2 ** 32 - 1)).toBeGreaterThanOrEqual(0);
  });

  it('has normal numbers of mean 0 and variance 1', () => {
    const values = take(50_000, createRandom(5).normal);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });
});
