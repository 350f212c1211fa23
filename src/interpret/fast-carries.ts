import type { ChannelCarries } from '../graph/types.ts';
import { CARRY_BLOCK } from '../ops/carries.ts';
import type { Carried } from '../ops/diffuse.ts';

/** A power of two above twice any sum: sums of two channels then share a float64 exactly. */
const ABOVE = 2 ** 26;

/** The same as in plain loops, two channels in one product: it is most of what networks with such layers take to evaluate. */
export function fastCarries({ shift, weights }: ChannelCarries, channels: number): Carried {
  const pairs = pairsOf(weights, channels);
  const half = (1 << shift) >> 1;
  const known = new Float64Array(channels);
  const sums = new Int32Array(CARRY_BLOCK);
  return (c, errors, own) => {
    const lane = c % CARRY_BLOCK;
    if (lane === 0) {
      for (let j = Math.max(0, c - CARRY_BLOCK); j < c; j++) known[j] = errors[own + j]!;
      sumBlock(pairs, c, channels, known, sums);
    }
    return (sums[lane]! + half) >> shift;
  };
}

/** Weights of channels 2i and, `ABOVE` times as large, 2i + 1; rows of zeros fill the last block. */
function pairsOf(weights: Int8Array, channels: number): Float64Array {
  const rows = (Math.ceil(channels / CARRY_BLOCK) * CARRY_BLOCK) / 2;
  const pairs = new Float64Array(rows * channels);
  weights.forEach((w, i) => {
    const c = Math.floor(i / channels);
    pairs[(c >> 1) * channels + (i % channels)]! += c % 2 === 0 ? w : w * ABOVE;
  });
  return pairs;
}

/** The sums of the block of channels that begins at c. */
function sumBlock(pairs: Float64Array, c: number, channels: number, known: Float64Array, sums: Int32Array): void {
  for (let lane = 0; lane < CARRY_BLOCK; lane += 2) {
    const both = dot(pairs, ((c + lane) >> 1) * channels, known, c);
    const second = Math.round(both / ABOVE);
    sums[lane] = both - second * ABOVE;
    sums[lane + 1] = second;
  }
}

/** Four sums at once, as one would wait for itself; n is a multiple of 4. */
function dot(a: Float64Array, from: number, b: Float64Array, n: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < n; k += 4) {
    s0 += a[from + k]! * b[k]!;
    s1 += a[from + k + 1]! * b[k + 1]!;
    s2 += a[from + k + 2]! * b[k + 2]!;
    s3 += a[from + k + 3]! * b[k + 3]!;
  }
  return s0 + s1 + (s2 + s3);
}
