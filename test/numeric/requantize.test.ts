import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundHalfEven } from '../../src/numeric/neon.ts';
import {
  largestSum,
  makeRequantizer,
  requantize,
  splitFloat,
  toOutput,
  withRemainders,
} from '../../src/numeric/requantize.ts';

const multiplier = fc
  .tuple(fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }), fc.integer({ min: -40, max: 4 }))
  .map(([mantissa, exponent]) => mantissa * 2 ** exponent);

/** `srshl(sqrdmulh(acc << left, m), −shift)` in unbounded integers. */
function fixedModel(acc: number, m: number, left: number, shift: number): bigint {
  const product = (2n * (BigInt(acc) << BigInt(left)) * BigInt(m) + 2n ** 31n) >> 32n;
  return shift === 0 ? product : (product + (1n << BigInt(shift - 1))) >> BigInt(shift);
}

describe('splitFloat', () => {
  it('gives a fraction in [1/2, 1) and the exponent', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -1000, max: 2 ** 1000, noNaN: true }), (x) => {
        const { fraction, exponent } = splitFloat(x);
        expect(fraction >= 0.5 && fraction < 1).toBe(true);
        expect(fraction * 2 ** exponent).toBe(x);
      }),
    );
    expect(splitFloat(1)).toEqual({ fraction: 0.5, exponent: 1 });
    expect(splitFloat(1 - 2 ** -53)).toEqual({ fraction: 1 - 2 ** -53, exponent: 0 });
  });
});

describe('fixed', () => {
  it('holds each multiplier to 2^−31 of itself, with one left shift for all', () => {
    fc.assert(
      fc.property(fc.array(multiplier, { minLength: 1, maxLength: 5 }), (real) => {
        const r = makeRequantizer('fixed', real);
        if (r.format !== 'fixed') throw new Error(r.format);
        real.forEach((value, c) => {
          const m = r.multiplier[c]!;
          expect(m >= 2 ** 30 && m < 2 ** 31).toBe(true);
          if (r.shift[c]! === 31) return; // may be cut off: the result is 0 anyway
          const held = m * 2 ** (r.leftShift - 31 - r.shift[c]!);
          expect(Math.abs(held / value - 1)).toBeLessThanOrEqual(2 ** -31);
        });
        expect(Math.min(...r.shift) === 0 || r.leftShift === 0).toBe(true);
      }),
    );
  });

  it('is the NEON instructions to the bit', () => {
    fc.assert(
      fc.property(multiplier, fc.double({ min: -1, max: 1, noNaN: true }), (real, part) => {
        const r = makeRequantizer('fixed', [real]);
        if (r.format !== 'fixed') throw new Error(r.format);
        const acc = Math.trunc(part * largestSum(r));
        expect(BigInt(requantize(r, acc, 0))).toBe(fixedModel(acc, r.multiplier[0]!, r.leftShift, r.shift[0]!));
      }),
      { numRuns: 3000 },
    );
  });

  it('carries a mantissa that rounds up to 2^31', () => {
    const r = makeRequantizer('fixed', [0.25 * (1 - 2 ** -40)]);
    expect(r).toEqual({ format: 'fixed', leftShift: 0, multiplier: Int32Array.of(2 ** 30), shift: Int32Array.of(1) });
  });

  it('rounds twice, each time halves up: 23/16 becomes 12/8, then 2', () => {
    const r = makeRequantizer('fixed', [2 ** -4]);
    expect([24, -24, 23, -25, 8, -8].map((acc) => requantize(r, acc, 0))).toEqual([2, -1, 2, -1, 1, 0]);
  });
});

describe('shift', () => {
  it('is a rounding shift', () => {
    const r = makeRequantizer('shift', [2 ** -3, 2, 1]);
    expect(r).toEqual({ format: 'shift', leftShift: 1, shift: Int32Array.of(4, 0, 1) });
    expect([requantize(r, 12, 0), requantize(r, -12, 0), requantize(r, -12, 1), requantize(r, 5, 2)]).toEqual([
      2, -1, -24, 5,
    ]);
  });

  it('takes powers of two only', () => {
    expect(() => makeRequantizer('shift', [0.3])).toThrow('no power of two');
  });
});

describe('float32', () => {
  it('rounds twice to float32, then to even', () => {
    const r = makeRequantizer('float32', [0.5, Math.fround(0.1)]);
    expect([1, 3, 5, -1, -3].map((acc) => requantize(r, acc, 0))).toEqual([0, 2, 2, 0, -2]);
    // 2^24 + 1 is no float32: it rounds to 2^24.
    expect(requantize(r, 2 ** 24 + 1, 0)).toBe(2 ** 23);
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (acc) => {
        const product = Float32Array.of(Float32Array.of(acc)[0]! * Math.fround(0.1))[0]!;
        expect(Math.abs(requantize(r, acc, 1) - product)).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});

describe('float32 with what is left of real biases', () => {
  const scale = Math.fround(0.1);
  const withRests = (...rests: number[]) =>
    withRemainders(
      makeRequantizer(
        'float32',
        rests.map(() => scale),
      ),
      rests,
    );

  it('adds it after the product, rounded again', () => {
    const r = withRests(0.25, -0.5, 0);
    expect([4, 5, -5].map((acc) => requantize(r, acc, 0))).toEqual([0, 1, 0]);
    // 0.1 · 5 is 0.5 in float32, a tie; without an offset it goes to the even 0.
    expect([requantize(r, 5, 1), requantize(r, 5, 2), requantize(r, 6, 1)]).toEqual([0, 0, 1]);
    const sums = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(sums, fc.double({ min: -0.5, max: 0.5, noNaN: true }), (acc, rest) => {
        const [product, offset] = Float32Array.of(Math.fround(acc) * scale, rest * scale);
        const [sum] = Float32Array.of(product! + offset!);
        expect(requantize(withRests(rest), acc, 0)).toBe(roundHalfEven(sum!));
      }),
    );
  });

  it('changes no output where a step of the sum is more than the output holds', () => {
    const r = withRemainders(makeRequantizer('float32', [2 ** 20]), [0.5]);
    expect([-1, 0, 1].map((acc) => toOutput(requantize(r, acc, 0), 3, -128, 127))).toEqual([-128, 127, 127]);
    expect(Math.abs(requantize(r, 0, 0))).toBeLessThan(40_000);
  });

  it('is of no other format', () => {
    expect(() => withRemainders(makeRequantizer('fixed', [0.5]), [0.1])).toThrow('requantization "fixed"');
  });
});

describe('makeRequantizer', () => {
  it.each([0, -1, Number.NaN, Infinity])('refuses the multiplier %d', (real) => {
    expect(() => makeRequantizer('fixed', [1, real])).toThrow(`requantization multiplier ${real}`);
  });
});

describe('largestSum', () => {
  it('is the largest sum that the left shift keeps within 32 bits', () => {
    expect(largestSum(makeRequantizer('fixed', [0.25]))).toBe(2 ** 31 - 1);
    expect(largestSum(makeRequantizer('fixed', [3]))).toBe(2 ** 29 - 1);
    expect(largestSum(makeRequantizer('float32', [3]))).toBe(2 ** 31 - 1);
  });
});

describe('toOutput', () => {
  it('adds the zero point and clamps, whatever saturates on the way', () => {
    expect(toOutput(100, -128, -128, 127)).toBe(-28);
    expect(toOutput(1e6, -128, -128, 127)).toBe(127);
    expect(toOutput(-1e6, 127, -100, 127)).toBe(-100);
    expect(toOutput(3, 2, -8, 4)).toBe(4);
  });
});
