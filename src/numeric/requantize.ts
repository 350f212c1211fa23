import { invariant } from '../core/diagnostics.ts';
import { exhaustive } from '../core/exhaustive.ts';
import { roundHalfEven, saturate, sqrdmulh16, sqrdmulh32, srshr32 } from './neon.ts';

/**
 * From a 32-bit sum to the output's steps: the forms of DESIGN §3. All are defined to the bit, so that the
 * reference, the fast evaluator and the C agree.
 */
export type RequantFormat = 'fixed' | 'fixed16' | 'shift' | 'float32';

/** One multiplier for each output channel. */
export type Requantizer =
  /** `srshl(sqrdmulh(acc << leftShift, multiplier[c]), −shift[c])`, multiplier in [2^30, 2^31), shift in [0, 31]. */
  | {
      readonly format: 'fixed';
      readonly leftShift: number;
      readonly multiplier: Int32Array;
      readonly shift: Int32Array;
    }
  /**
   * `srshl(sqrdmulh(sat16(acc), multiplier[c]), −shift[c])`, all in 16 bits, multiplier in [2^14, 2^15), shift in [0, 16]:
   * real multipliers below one. For sums that fit 16 bits, or whose output is clamped anyway where they do not.
   */
  | { readonly format: 'fixed16'; readonly multiplier: Int16Array; readonly shift: Int16Array }
  /** `srshl(acc << leftShift, −shift[c])`: real multipliers are powers of two. */
  | { readonly format: 'shift'; readonly leftShift: number; readonly shift: Int32Array }
  /** `rne(fround(fround(acc) · scale[c]))`; with an offset, in the output's steps, `rne(fround(fround(fround(acc) · scale[c]) + offset[c]))`. */
  | { readonly format: 'float32'; readonly scale: Float32Array; readonly offset?: Float32Array };

/**
 * `real = fraction · 2^exponent` with the fraction in [1/2, 1): `frexp`, exact, from the float's bits, so that no
 * logarithm's last digit decides.
 * @param real in [2^−1022, 2^1023)
 */
export function splitFloat(real: number): { fraction: number; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, real);
  const exponent = ((bits.getUint16(0) >> 4) & 0x7ff) - 1022;
  return { fraction: real / 2 ** exponent, exponent };
}

/** `real ≈ mantissa · 2^(exponent − bits)`, halves up, with the mantissa an integer in [2^(bits − 1), 2^bits). */
function normalize(real: number, bits: 15 | 31): { mantissa: number; exponent: number } {
  const { fraction, exponent } = splitFloat(real);
  const mantissa = Math.round(fraction * 2 ** bits);
  return mantissa < 2 ** bits ? { mantissa, exponent } : { mantissa: 2 ** (bits - 1), exponent: exponent + 1 };
}

/** The left shift that all channels share: what the largest multiplier has above one. */
function commonLeftShift(exponents: readonly number[]): number {
  return Math.max(0, ...exponents);
}

/**
 * @param real one positive multiplier (input scale · weight scale / output scale) for each output channel
 * @throws invariant when a multiplier is not a positive normal number, or no power of two for `shift`, or one or more for
 *   `fixed16` (see `fitsFixed16`)
 */
export function makeRequantizer(format: RequantFormat, real: readonly number[]): Requantizer {
  for (const r of real) if (!(r >= 2 ** -1022 && r < 2 ** 1023)) throw invariant(`requantization multiplier ${r}`);
  switch (format) {
    case 'fixed': {
      const parts = real.map((r) => normalize(r, 31));
      const leftShift = commonLeftShift(parts.map((p) => p.exponent));
      // Beyond 31 the result is 0 for every sum below 2^30, whatever the mantissa.
      const shift = parts.map((p) => Math.min(31, leftShift - p.exponent));
      return {
        format,
        leftShift,
        multiplier: Int32Array.from(parts, (p) => p.mantissa),
        shift: Int32Array.from(shift),
      };
    }
    case 'fixed16': {
      const parts = real.map((r) => normalize(r, 15));
      if (parts.some((p) => p.exponent > 0)) throw invariant('a requantization multiplier of one or more in 16 bits');
      return {
        format,
        multiplier: Int16Array.from(parts, (p) => p.mantissa),
        // From 16 on the result is 0 for every sum.
        shift: Int16Array.from(parts, (p) => Math.min(16, -p.exponent)),
      };
    }
    case 'shift': {
      const exponents = real.map((r) => {
        const { fraction, exponent } = splitFloat(r);
        if (fraction !== 0.5) throw invariant(`requantization multiplier ${r} is no power of two`);
        return exponent - 1;
      });
      const leftShift = commonLeftShift(exponents);
      return { format, leftShift, shift: Int32Array.from(exponents, (e) => Math.min(31, leftShift - e)) };
    }
    case 'float32':
      return { format, scale: Float32Array.from(real) };
    default:
      return exhaustive(format);
  }
}

/**
 * The `float32` requantizer that adds what the integer biases leave of real ones.
 * @param remainders one for each output channel, in steps of the sum
 */
export function withRemainders(r: Requantizer, remainders: readonly number[]): Requantizer {
  if (r.format !== 'float32') throw invariant(`remainders of biases and requantization "${r.format}"`);
  // Where a step of the sum is that many of the output, all of them saturate but 0.
  const offset = (rest: number): number => Math.max(-(2 ** 13), Math.min(2 ** 13, rest));
  return { ...r, offset: Float32Array.from(remainders, (rest, c) => offset(rest * r.scale[c]!)) };
}

/** True where `fixed16` can express the multiplier: it is below one, rounded to 15 bits too. */
export function fitsFixed16(real: number): boolean {
  return normalize(real, 15).exponent <= 0;
}

/** The requantized sum of channel `c`, before the output's zero point; an integer, not yet saturated. */
export function requantize(r: Requantizer, acc: number, c: number): number {
  switch (r.format) {
    case 'fixed':
      return srshr32(sqrdmulh32(acc * 2 ** r.leftShift, r.multiplier[c]!), r.shift[c]!);
    case 'fixed16':
      return srshr32(sqrdmulh16(saturate(acc, 16), r.multiplier[c]!), r.shift[c]!);
    case 'shift':
      return srshr32(acc * 2 ** r.leftShift, r.shift[c]!);
    case 'float32': {
      const product = Math.fround(Math.fround(acc) * r.scale[c]!);
      return roundHalfEven(r.offset === undefined ? product : Math.fround(product + r.offset[c]!));
    }
    default:
      return exhaustive(r);
  }
}

/**
 * The largest |sum| that the requantizer takes: beyond it the left shift leaves 32 bits. Quantizer and packer check the
 * proven range of every sum, bias included, against it.
 */
export function largestSum(r: Requantizer): number {
  if (r.format === 'float32' || r.format === 'fixed16') return 2 ** 31 - 1;
  return Math.floor((2 ** 31 - 1) / 2 ** r.leftShift);
}

/** `clamp(requantized + zeroPoint, lo, hi)`; the saturations on the way (SQXTN, SQADD) never show, as `lo, hi` are int8. */
export function toOutput(requantized: number, zeroPoint: number, lo: number, hi: number): number {
  const q = saturate(saturate(requantized, 16) + zeroPoint, 16);
  return q < lo ? lo : q > hi ? hi : q;
}
