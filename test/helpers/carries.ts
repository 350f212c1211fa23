import { createRandom, type Random } from '../../src/core/random.ts';
import type { ChannelCarries } from '../../src/graph/types.ts';
import { CARRY_BLOCK } from '../../src/ops/carries.ts';

/** Carries that use the budget of 16 bits: in each row of each block magnitudes of up to 255 together, and signs at random. */
export function randomCarries(channels: number, shift: number, r = createRandom(channels)): ChannelCarries {
  const weights = new Int8Array(channels ** 2);
  for (let c = 0; c < channels; c++) {
    for (let j = 0; j + CARRY_BLOCK <= c - (c % CARRY_BLOCK); j += CARRY_BLOCK)
      fill(weights.subarray(c * channels + j), r);
  }
  return { shift, weights };
}

function fill(row: Int8Array, r: Random): void {
  for (let left = 255, k = 0; k < CARRY_BLOCK; k++) {
    const w = k + 1 === CARRY_BLOCK ? Math.min(127, left) : r.int(0, Math.min(127, left));
    row[k] = r.int(0, 1) === 1 ? w : -w;
    left -= w;
  }
}
