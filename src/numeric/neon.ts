/**
 * Models of the NEON instructions whose arithmetic the numerics contract (DESIGN §3) is written in, on plain numbers.
 * Source: Arm Architecture Reference Manual, Advanced SIMD: SQRDMULH, SRSHL, SQXTN, FCVTNS.
 */

/** Rounds down to a multiple of one, exact for every |x| < 2^53. */
const floor = Math.floor;

/** `vqrdmulhq_s32` of one lane: `sat32((2·a·b + 2^31) >> 32)`, for int32 `a`, `b`. Exact: the 62-bit product is split. */
export function sqrdmulh32(a: number, b: number): number {
  const bHigh = b >> 16;
  const bLow = b & 0xffff;
  const low = floor((a * bLow + 2 ** 30) / 2 ** 16);
  const result = floor((a * bHigh + low) / 2 ** 15);
  return result > 0x7fffffff ? 0x7fffffff : result;
}

/** `vqrdmulhq_s16` of one lane: `sat16((2·a·b + 2^15) >> 16)`, for int16 `a`, `b`. */
export function sqrdmulh16(a: number, b: number): number {
  return saturate((a * b + 2 ** 14) >> 15, 16);
}

/** `vrshlq_s32`, or `vrshlq_s16`, of one lane by `-shift`, `0 ≤ shift ≤ 31`: rounding shift right, halves towards +∞. */
export function srshr32(x: number, shift: number): number {
  return shift === 0 ? x : floor((x + 2 ** (shift - 1)) / 2 ** shift);
}

/** Saturates to signed `bits` bits, as SQXTN and SQADD do. */
export function saturate(x: number, bits: number): number {
  const max = 2 ** (bits - 1) - 1;
  return x > max ? max : x < -max - 1 ? -max - 1 : x;
}

/** Wraps to signed 16 bits, as SMLAL into 16-bit lanes does. */
export function wrap16(x: number): number {
  return (x << 16) >> 16;
}

/** `vcvtnq_s32_f32` of one lane: nearest integer, ties to even. */
export function roundHalfEven(x: number): number {
  const up = Math.round(x); // ties towards +∞
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up + 0; // + 0: no negative zero
}
