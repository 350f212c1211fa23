import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundHalfEven, saturate, sqrdmulh32, srshr32, wrap16 } from '../../src/numeric/neon.ts';

const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), -(2 ** 31) + 1, -(2 ** 30), -65537, -65536, -1, 0, 1, 65535, 65536, 2 ** 30, 2 ** 31 - 1),
);

describe('sqrdmulh32', () => {
  it('is sat32((2·a·b + 2^31) >> 32)', () => {
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        const exact = (2n * BigInt(a) * BigInt(b) + 2n ** 31n) >> 32n;
        const expected = exact > 2n ** 31n - 1n ? 2n ** 31n - 1n : exact;
        expect(BigInt(sqrdmulh32(a, b))).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('saturates for the only product that overflows', () => {
    expect(sqrdmulh32(-(2 ** 31), -(2 ** 31))).toBe(2 ** 31 - 1);
  });

  it('rounds halves up', () => {
    expect(sqrdmulh32(1, 2 ** 30)).toBe(1);
    expect(sqrdmulh32(-1, 2 ** 30)).toBe(0);
  });
});

describe('srshr32', () => {
  it('is (x + 2^(shift − 1)) >> shift without wrapping', () => {
    fc.assert(
      fc.property(int32, fc.integer({ min: 0, max: 31 }), (x, shift) => {
        const half = shift === 0 ? 0n : 1n << BigInt(shift - 1);
        expect(BigInt(srshr32(x, shift))).toBe((BigInt(x) + half) >> BigInt(shift));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('saturate and wrap16', () => {
  it('keep what fits', () => {
    for (const x of [-128, -1, 0, 127]) expect(saturate(x, 8)).toBe(x);
    for (const x of [-32768, -1, 0, 32767]) expect(wrap16(x)).toBe(x);
  });

  it('saturate to the nearest end, and wrap modulo 2^16', () => {
    expect([saturate(128, 8), saturate(-129, 8), saturate(1e9, 16)]).toEqual([127, -128, 32767]);
    expect([wrap16(32768), wrap16(-32769), wrap16(65536 + 5)]).toEqual([-32768, 32767, 5]);
  });
});

describe('roundHalfEven', () => {
  it('takes the even one of two equally near integers', () => {
    const ties = [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];
    expect(ties.map(roundHalfEven)).toEqual([-4, -2, -2, 0, 0, 2, 2, 4]);
  });

  it('takes the nearest integer otherwise, and never −0', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
        fc.double({ min: -0.49, max: 0.49, noNaN: true }),
        (n, d) => {
          expect(roundHalfEven(n + d)).toBe(n);
        },
      ),
    );
    expect(roundHalfEven(0.49999999999999994)).toBe(0);
    expect(roundHalfEven(2 ** 53)).toBe(2 ** 53);
    expect(roundHalfEven(Infinity)).toBe(Infinity);
  });
});
