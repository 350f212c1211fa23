import { reject } from '../core/diagnostics.ts';
import { channelCount, type InputSpec } from './input.ts';
import type { Recipe } from './recipe.ts';

/**
 * The real input of every pixel value: entry `256 · channel + pixel` is (pixel · pixelScale − mean) / std, computed in
 * double precision and rounded once to float32. Data sets and the firmware's `<model>_quantize_u8()` use this one table.
 *
 * @param recipe checked with `checkRecipe`
 * @throws reject `no-preprocessing` where the recipe has no pixelScale: 1 and 1/255 are both common, so none is assumed
 */
export function pixelTable(recipe: Recipe, input: InputSpec, place: string): Float32Array {
  const { pixelScale, mean = [0], std = [1] } = recipe;
  if (pixelScale === undefined) {
    throw reject({
      code: 'no-preprocessing',
      message: 'The data is pixels, and nothing says how they become real inputs.',
      place,
      hint: 'Give --pixel-scale 1/255 (or 1 for raw 0…255), or "pixelScale" in the recipe, with --mean and --std as in training.',
    });
  }
  const channels = channelCount(input);
  const table = new Float32Array(channels * 256);
  for (let channel = 0; channel < channels; channel++) {
    const m = mean[mean.length === 1 ? 0 : channel] ?? 0;
    const s = std[std.length === 1 ? 0 : channel] ?? 1;
    for (let pixel = 0; pixel < 256; pixel++) table[channel * 256 + pixel] = (pixel * pixelScale - m) / s;
  }
  return table;
}
