/** Channels that are rounded side by side: their errors are carried to the blocks behind theirs. */
export const CARRY_BLOCK = 16;

/** The finest weights are multiples of 2^−this: finer ones are below what an error of one step of the fine grid moves. */
export const MOST_CARRY_SHIFT = 7;

/** What the magnitudes of a block's weights in a row add up to, at most: products with errors of 8 bits then fit 16 bits. */
const CARRY_BUDGET = 255;

/**
 * Whether weights are those of `ChannelCarries`: there is more than a block, nothing is carried but to blocks behind, and 16 bits hold what
 * a block carries, whatever its errors are (their magnitudes are 128 at most).
 */
export function carriesFit(weights: Int8Array, channels: number): boolean {
  if (channels <= CARRY_BLOCK || weights.length !== channels ** 2) return false;
  for (let c = 0; c < channels; c++) {
    const row = weights.subarray(c * channels, (c + 1) * channels);
    const own = c - (c % CARRY_BLOCK);
    if (row.subarray(own).some((w) => w !== 0)) return false;
    for (let j = 0; j < own; j += CARRY_BLOCK) {
      if (row.subarray(j, j + CARRY_BLOCK).reduce((sum, w) => sum + Math.abs(w), 0) > CARRY_BUDGET) return false;
    }
  }
  return true;
}
