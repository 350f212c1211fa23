import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Dataset } from './dataset.ts';
import { type InputSpec, imageSize } from './input.ts';
import { type LoadOptions, loadDataset } from './load.ts';
import type { Recipe } from './recipe.ts';
import { parseDataSpec } from './spec.ts';

/**
 * Reads the data that `spec` names for all inputs of a network. Where there are several, data is an .npz file with an array
 * of each input's name, or `random:N`; preprocessing of pixels then belongs to those that are images.
 * @param inputs in graph order, at least one
 * @throws reject `several-inputs`, `input-counts`; what `loadDataset` throws
 */
export async function loadInputs(
  spec: string,
  inputs: readonly InputSpec[],
  recipe: Recipe,
  options: LoadOptions,
): Promise<Dataset> {
  const first = must(inputs[0], 'input');
  if (inputs.length === 1) return loadDataset(spec, first, recipe, options);
  const { kind } = parseDataSpec(spec);
  if (kind !== 'npz' && kind !== 'random') throw oneInputOnly(spec, inputs);
  const [dataset, ...others] = await Promise.all(
    inputs.map((input, index) => loadDataset(spec, input, recipeFor(recipe, input), { ...options, index })),
  );
  const whole = must(dataset, 'data set');
  const odd = others.findIndex((other) => other.count !== whole.count);
  if (odd >= 0) throw otherCount(spec, whole.count, must(others[odd], 'data set').count, inputs[odd + 1]?.name ?? '');
  return { ...whole, others };
}

/** Mean and standard deviation a channel are those of images. */
function recipeFor(recipe: Recipe, input: InputSpec): Recipe {
  if (imageSize(input) !== undefined) return recipe;
  const { mean: _, std: __, pixelScale: ___, ...rest } = recipe;
  return rest;
}

function oneInputOnly(spec: string, inputs: readonly InputSpec[]) {
  const names = inputs.map((input) => `"${input.name}"`).join(', ');
  return reject({
    code: 'several-inputs',
    message: `The network has ${inputs.length} inputs (${names}), and this data has values for one.`,
    place: `data "${spec}"`,
    hint: 'Give an .npz file with one array for each input, named as the input is, or random:N.',
  });
}

function otherCount(spec: string, count: number, other: number, name: string) {
  return reject({
    code: 'input-counts',
    message: `There are ${count} samples of the first input, but ${other} of "${name}".`,
    place: `data "${spec}"`,
    hint: 'Sample i of every array is one run of the network; give as many of each.',
  });
}
