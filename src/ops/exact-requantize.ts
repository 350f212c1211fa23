import { exhaustive } from '../core/exhaustive.ts';
import type { Shape } from '../graph/types.ts';
import type { Requantizer } from '../numeric/requantize.ts';
import { type ExactSum, emitCast, float64Constant } from './exact-sum.ts';
import type { OnnxWriter } from './onnx-writer.ts';

/** A constant of the written graph that holds one value of the requantizer at each element. */
export interface Spread {
  readonly dims: Shape;
  /** The requantizer's channel of each element. */
  readonly channels: readonly number[];
}

/** One value a channel along the stored channel axis. */
export function spreadChannels(dims: Shape, count: number): Spread {
  return { dims, channels: Array.from({ length: count }, (_, c) => c) };
}

/**
 * Writes `clamp(requantize(sum) + zeroPoint, lo, hi) − zeroPoint` in float64 operations that round nowhere, or exactly as
 * the format does.
 *
 * ONNX Runtime must not merge the multiplication into the convolution before it: its weights would no longer be integers.
 * The cast to float64 in between keeps it from doing so.
 */
export function emitRequantized(
  writer: OnnxWriter,
  sum: ExactSum,
  requantizer: Requantizer,
  spread: Spread,
  clamp: { readonly lo: number; readonly hi: number; readonly zeroPoint: number },
): string {
  return emitBounds(writer, emitSteps(writer, sum, requantizer, spread), clamp);
}

/** Writes the clamp of float32 values `q − zeroPoint`. */
export function emitBounds(
  writer: OnnxWriter,
  value: string,
  { lo, hi, zeroPoint }: { readonly lo: number; readonly hi: number; readonly zeroPoint: number },
): string {
  const bound = (v: number) => writer.constant('bound', [], Float32Array.of(v - zeroPoint));
  return writer.node('Clip', [value, bound(lo), bound(hi)]);
}

/** The requantized sums as float32: exact within the clamp, and on its right side beyond. */
function emitSteps(writer: OnnxWriter, sum: ExactSum, r: Requantizer, spread: Spread): string {
  const wide = sum.type === 'float64' ? sum.name : emitCast(writer, sum.name, 'float64');
  const constant = (base: string, of: (channel: number) => number): string =>
    float64Constant(writer, base, spread.dims, spread.channels.map(of));
  const round = (value: string, scale: string, offset: string): string =>
    writer.node('Floor', [writer.node('Add', [writer.node('Mul', [value, scale]), offset])]);
  const half = (shift: number): number => (shift === 0 ? 0 : 0.5);
  switch (r.format) {
    case 'fixed': {
      if (!isDirect(r, sum.largest)) return emitCast(writer, emitTwoWords(writer, wide, r, constant), 'float32');
      // srshl(sqrdmulh(a, m), −s) = ⌊(⌊(a·m + 2^30) / 2^31⌋ + 2^(s−1)) / 2^s⌋ = ⌊(a·m + 2^30 + 2^(30+s)) / 2^(31+s)⌋
      const scale = constant('multiplier', (c) => r.multiplier[c]! * 2 ** (r.leftShift - 31 - r.shift[c]!));
      const offset = constant('rounding', (c) => half(r.shift[c]!) + 2 ** (-1 - r.shift[c]!));
      return emitCast(writer, round(wide, scale, offset), 'float32');
    }
    case 'fixed16': {
      // As above with 2^14 and 2^15, all of it below 2^47.
      const saturated = writer.node('Min', [
        writer.node('Max', [wide, constant('least', () => -(2 ** 15))]),
        constant('most', () => 2 ** 15 - 1),
      ]);
      const scale = constant('multiplier', (c) => r.multiplier[c]! * 2 ** (-15 - r.shift[c]!));
      const offset = constant('rounding', (c) => half(r.shift[c]!) + 2 ** (-1 - r.shift[c]!));
      return emitCast(writer, round(saturated, scale, offset), 'float32');
    }
    case 'shift': {
      const scale = constant('multiplier', (c) => 2 ** (r.leftShift - r.shift[c]!));
      const offset = constant('rounding', (c) => half(r.shift[c]!));
      return emitCast(writer, round(wide, scale, offset), 'float32');
    }
    case 'float32': {
      // A product of two float32 values is exact in float64, so the casts round as the float32 operations do.
      const narrow = sum.type === 'float32' ? sum.name : emitCast(writer, sum.name, 'float32');
      const scale = constant('multiplier', (c) => r.scale[c]!);
      const product = writer.node('Mul', [emitCast(writer, narrow, 'float64'), scale]);
      return writer.node('Round', [emitOffset(writer, emitCast(writer, product, 'float32'), r, constant)]);
    }
    default:
      return exhaustive(r);
  }
}

/**
 * Writes `sqrdmulh(sum << leftShift, multiplier)` in float64, not clamped.
 * @param multiplier one for each of the spread's channels, in [0, 2^31)
 */
export function emitScaled(
  writer: OnnxWriter,
  sum: ExactSum,
  r: Pick<Fixed, 'leftShift' | 'multiplier'>,
  spread: Spread,
): string {
  const wide = sum.type === 'float64' ? sum.name : emitCast(writer, sum.name, 'float64');
  const constant = (base: string, of: (channel: number) => number): string =>
    float64Constant(writer, base, spread.dims, spread.channels.map(of));
  const most = r.multiplier.reduce((a, b) => Math.max(a, b), 0);
  if (sum.largest * 2 ** r.leftShift * most + 2 ** 30 >= 2 ** 53) {
    return emitTwoWords(writer, wide, { ...r, format: 'fixed', shift: new Int32Array(r.multiplier.length) }, constant);
  }
  const scaled = writer.node('Mul', [wide, constant('multiplier', (c) => r.multiplier[c]! * 2 ** (r.leftShift - 31))]);
  return writer.node('Floor', [writer.node('Add', [scaled, float64Constant(writer, 'half', [], [0.5])])]);
}

/** Adds the offsets to float32 products; a sum of two float32 values rounds through float64 as it does at once. */
function emitOffset(
  writer: OnnxWriter,
  product: string,
  { offset }: Extract<Requantizer, { format: 'float32' }>,
  constant: (base: string, of: (channel: number) => number) => string,
): string {
  if (offset === undefined) return product;
  const operands = [emitCast(writer, product, 'float64'), constant('offset', (c) => offset[c]!)];
  return emitCast(writer, writer.node('Add', operands), 'float32');
}

type Fixed = Extract<Requantizer, { format: 'fixed' }>;

/**
 * True where the one-step form is exact. Its terms, in units of 2^−(31+s), are integers; float64 holds them below 2^53.
 * With s ≤ 13 a larger product is more than 500 steps away from zero, where only the clamp's side matters.
 */
function isDirect(r: Fixed, largest: number): boolean {
  return r.shift.every(
    (s, c) => s <= 13 || largest * 2 ** r.leftShift * r.multiplier[c]! + 2 ** 30 + 2 ** (30 + s) < 2 ** 53,
  );
}

/** The same step by step, the multiplier split into 15 and 16 bits: exact for every 32-bit sum. */
function emitTwoWords(
  writer: OnnxWriter,
  sum: string,
  r: Fixed,
  constant: (base: string, of: (channel: number) => number) => string,
): string {
  const mul = (a: string, b: string): string => writer.node('Mul', [a, b]);
  const add = (a: string, b: string): string => writer.node('Add', [a, b]);
  const floor = (a: string): string => writer.node('Floor', [a]);
  const a = mul(
    sum,
    constant('left', () => 2 ** r.leftShift),
  );
  const low = constant('multiplier.low', (c) => (r.multiplier[c]! & 0xffff) * 2 ** -16);
  const high = constant('multiplier.high', (c) => (r.multiplier[c]! >> 16) * 2 ** -15);
  const carry = mul(
    floor(
      add(
        mul(a, low),
        constant('rounding.low', () => 2 ** 14),
      ),
    ),
    constant('carry', () => 2 ** -15),
  );
  const product = floor(add(mul(a, high), carry));
  const scale = constant('right', (c) => 2 ** -r.shift[c]!);
  return floor(
    add(
      mul(product, scale),
      constant('rounding', (c) => (r.shift[c] === 0 ? 0 : 0.5)),
    ),
  );
}
