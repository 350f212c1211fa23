import { describe, expect, it } from 'vitest';
import { carriesFit } from '../../src/ops/carries.ts';
import { randomCarries } from '../helpers/carries.ts';

describe('carriesFit', () => {
  const { weights } = randomCarries(40, 5);

  it('is true up to the budget of each row of a block', () => {
    expect(carriesFit(weights, 40)).toBe(true);
    const [row, first] = [20 * 40, weights.subarray(20 * 40, 20 * 40 + 16)];
    const spare = first.findIndex((w) => Math.abs(w) < 127);
    const more = first[spare]! < 0 ? first[spare]! - 1 : first[spare]! + 1;
    expect(carriesFit(weights.with(row + spare, more), 40)).toBe(false);
  });

  it('is false for weights within a block or of blocks behind, and of other sizes', () => {
    expect(carriesFit(weights.with(20 * 40 + 17, 1), 40)).toBe(false);
    expect(carriesFit(weights.with(3 * 40 + 33, 1), 40)).toBe(false);
    expect(carriesFit(weights, 41)).toBe(false);
    expect(carriesFit(new Int8Array(256), 16)).toBe(false);
  });
});
