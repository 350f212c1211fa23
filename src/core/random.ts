/**
 * Seeded random numbers that are the same on every machine and in every version of Node: only 32-bit integer operations
 * and exact float arithmetic, never `Math.random` or a libm function. Test vectors and generated files depend on that.
 */

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1), a multiple of 2^-24, so that it is exact as a float32. */
  float(): number;
  /** Mean 0, variance 1, within ±6: the sum of twelve uniform numbers (Irwin–Hall), which needs no logarithm. */
  normal(): number;
  /** Uniform integer, both ends included; without bias. `lo <= hi`, and `hi - lo < 2^32`. */
  int(lo: number, hi: number): number;
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna, public domain), its state filled by splitmix32 as its authors advise.
 *
 * @param seed any integer; taken modulo 2^32.
 * @param stream one of 2^32 unrelated sequences of the same seed, e.g. the index of a sample: sample 7 is then the same
 *   whether or not samples 0 to 6 were asked for.
 */
export function createRandom(seed: number, stream = 0): Random {
  const uint32 = xoshiro128(splitmix32(seed), splitmix32(~stream));
  const float = () => (uint32() >>> 8) * 2 ** -24;
  return {
    uint32,
    float,
    normal() {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += float();
      return sum;
    },
    int(lo, hi) {
      const size = hi - lo + 1;
      // The highest multiple of `size` up to 2^32: what lies above would favour the small results.
      const limit = 2 ** 32 - (2 ** 32 % size);
      let value = uint32();
      while (value >= limit) value = uint32();
      return lo + (value % size);
    },
  };
}

function xoshiro128(seed: () => number, stream: () => number): () => number {
  let a = seed() ^ stream();
  let b = seed() ^ stream();
  let c = seed() ^ stream();
  let d = seed() ^ stream() || 1; // an all-zero state would stay zero
  return () => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
}
