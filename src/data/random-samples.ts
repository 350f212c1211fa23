import { createRandom, type Random } from '../core/random.ts';
import { type InputSpec, sampleSize } from './input.ts';
import type { Recipe } from './recipe.ts';
import type { Samples } from './samples.ts';

/**
 * Random samples without labels, made when they are asked for; sample i depends on the seed and on i only. Uniform pixels
 * where the recipe has a pixelScale; else uniform in the recipe's range; else normal with mean 0 and variance 1.
 */
export function randomSamples(count: number, seed: number, input: InputSpec, recipe: Recipe): Samples {
  const size = sampleSize(input);
  const common = { count, order: 'model', place: `random:${count}` } as const;
  if (recipe.pixelScale !== undefined) {
    const sample = (i: number) => {
      const random = createRandom(seed, i);
      return Uint8Array.from({ length: size }, () => random.int(0, 255));
    };
    return { ...common, kind: 'pixels', sample };
  }
  const draw = drawer(recipe);
  const sample = (i: number) => {
    const random = createRandom(seed, i);
    return Float32Array.from({ length: size }, () => draw(random));
  };
  return { ...common, kind: 'reals', sample };
}

function drawer({ range }: Recipe): (random: Random) => number {
  if (range === undefined) return (random) => random.normal();
  const [lo, hi] = range;
  return (random) => lo + (hi - lo) * random.float();
}
