import { createRandom } from '../core/random.ts';

/**
 * Which of `count` samples to take: all of them, or `limit` of them at random, ascending. At random because the first
 * ones of a sorted file, and evenly spaced ones of an interleaved file, can all be of one class.
 */
export function chooseSamples(count: number, limit: number | undefined, seed: number): readonly number[] {
  const indices = Array.from({ length: count }, (_, i) => i);
  if (limit === undefined || limit >= count) return indices;
  const random = createRandom(seed);
  for (let i = 0; i < limit; i++) {
    const other = random.int(i, count - 1);
    [indices[i], indices[other]] = [indices[other] as number, indices[i] as number];
  }
  return indices.slice(0, limit).sort((a, b) => a - b);
}
