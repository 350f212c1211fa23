import type { Products } from '../../interpret/products.ts';

/** Second moments of a layer's operands: all that an output's squared error needs to know of the data. */
export interface Moments {
  readonly length: number;
  /** E[x·xᵀ] around the means, x in steps of the input; length × length. */
  readonly hessian: Float64Array;
  /** What is taken as the operands' means: 0 where no bias can take up what is left of them. */
  readonly means: Float64Array;
  readonly centred: boolean;
}

/** What the outputs of some channels are wanted to be, seen from the operands. */
export interface Wanted {
  /** E[x·t] of each channel, around the means if those of the operands are; channels × length. */
  readonly cross: Float64Array;
  readonly means: Float64Array;
  /** E[t²]. */
  readonly power: Float64Array;
}

/** float32 adds integers exactly up to here. */
const EXACT = 2 ** 24;
const ROWS = 4096;

export interface MomentsOptions {
  readonly length: number;
  /** The largest magnitude among the operands. */
  readonly largest: number;
  readonly centred: boolean;
}

/**
 * Exact up to the last division, whatever adds in whatever order.
 * @param x rows of `length` operands, integers
 */
export async function momentsOf(
  x: Float32Array,
  { length, largest, centred }: MomentsOptions,
  products: Products,
): Promise<Moments> {
  const count = x.length / length;
  const sums = new Float64Array(length * length);
  const rows = Math.max(1, Math.min(ROWS, Math.floor(EXACT / largest ** 2)));
  for (let from = 0; from < count; from += rows) {
    const part = x.subarray(from * length, Math.min(count, from + rows) * length);
    add(sums, await products.transposed(part, part, part.length / length));
  }
  const means = centred ? columnMeans(x, length) : new Float64Array(length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) sums[i * length + j] = sums[i * length + j]! / count - means[i]! * means[j]!;
  }
  return { length, hessian: sums, means, centred };
}

/**
 * @param x as for `momentsOf`
 * @param targets what the sums should be, rows of `channels`
 */
export async function wantedOf(
  x: Float32Array,
  moments: Moments,
  targets: Float32Array,
  channels: number,
  products: Products,
): Promise<Wanted> {
  const { length, centred } = moments;
  const count = x.length / length;
  const means = centred ? columnMeans(targets, channels) : new Float64Array(channels);
  const sums = new Float64Array(length * channels);
  const power = new Float64Array(channels);
  for (let from = 0; from < count; from += ROWS) {
    const to = Math.min(count, from + ROWS);
    // Around their mean, so that float32 loses nothing to speak of.
    const t = targets.slice(from * channels, to * channels);
    for (let i = 0, o = 0; i < t.length; i++, o = o + 1 === channels ? 0 : o + 1) {
      t[i]! -= means[o]!;
      power[o]! += t[i]! ** 2 / count;
    }
    add(sums, await products.transposed(x.subarray(from * length, to * length), t, to - from));
  }
  const cross = new Float64Array(sums.length);
  for (let k = 0; k < length; k++) {
    for (let o = 0; o < channels; o++) cross[o * length + k] = sums[k * channels + o]! / count;
  }
  return { cross, means, power };
}

function add(sums: Float64Array, more: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += more[i]!;
}

function columnMeans(rows: Float32Array, width: number): Float64Array {
  const means = new Float64Array(width);
  for (let from = 0; from < rows.length; from += width) for (let k = 0; k < width; k++) means[k]! += rows[from + k]!;
  return means.map((sum) => (sum * width) / rows.length);
}
