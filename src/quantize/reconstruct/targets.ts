import type { Products } from '../../interpret/products.ts';
import type { PatchSource } from './patches.ts';

/** What a layer's sums should be, at the chosen positions: rows of its channels, in real units. */
export interface Targets {
  /** What is clamped to [lo, hi] afterwards: the layer's sum plus `offset`, which an addition behind it adds. */
  readonly sums: Float32Array;
  readonly offset?: Float32Array;
  readonly lo: number;
  readonly hi: number;
}

const ROWS = 4096;

/**
 * Sums of a layer with real weights, bias included.
 * @param values its input, real, sample after sample
 */
export async function realSums(
  source: PatchSource,
  values: Float32Array,
  weights: Float32Array,
  bias: Float32Array,
  products: Products,
): Promise<Float32Array> {
  const { length, groups, chosen } = source;
  const channels = bias.length;
  const perGroup = channels / groups;
  const sums = new Float32Array(chosen.length * channels);
  const rows = new Float32Array(Math.min(ROWS, chosen.length) * length);
  for (let g = 0; g < groups; g++) {
    const own = weights.subarray(g * perGroup * length, (g + 1) * perGroup * length);
    for (let from = 0; from < chosen.length; from += ROWS) {
      const to = Math.min(chosen.length, from + ROWS);
      const y = await products.rows(source.read(values, 0, g, from, to, rows), own, length);
      for (let i = 0; i < y.length; i++) {
        const o = g * perGroup + (i % perGroup);
        sums[(from + Math.floor(i / perGroup)) * channels + o] = y[i]! + bias[o]!;
      }
    }
  }
  return sums;
}

/** The columns of some channels: a group's. */
export function channelsOf({ sums, offset, lo, hi }: Targets, channels: number, first: number, count: number): Targets {
  if (count === channels) return { sums, lo, hi, ...(offset && { offset }) };
  const pick = (rows: Float32Array): Float32Array =>
    Float32Array.from({ length: (rows.length / channels) * count }, (_, i) => {
      return rows[Math.floor(i / count) * channels + first + (i % count)]!;
    });
  return { sums: pick(sums), lo, hi, ...(offset && { offset: pick(offset) }) };
}

/** What the layer itself should give. */
export function withoutOffset({ sums, offset }: Targets): Float32Array {
  return offset === undefined ? sums : sums.map((sum, i) => sum - offset[i]!);
}

/**
 * Targets that take the clamp into account: where the float network's value is cut off at an end, anything beyond that end is
 * as good. Least squares to these is an upper bound of the error behind the clamp, and equal to it at `got`: so going
 * to and fro between fitting and this never makes that error larger.
 * @param got the sums that the integers give now
 */
export function clampedTargets({ sums, offset, lo, hi }: Targets, got: Float32Array): Float32Array {
  return sums.map((sum, i) => {
    const shift = offset === undefined ? 0 : offset[i]!;
    if (sum <= lo) return Math.min(got[i]! + shift, lo) - shift;
    if (sum >= hi) return Math.max(got[i]! + shift, hi) - shift;
    return sum - shift;
  });
}
