import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Dataset, requireLabels } from '../data/dataset.ts';
import { type InputSpec, imageSize } from '../data/input.ts';
import { loadDataset } from '../data/load.ts';
import { pixelTable } from '../data/preprocess.ts';
import { findRecipe, parseRecipe, type Recipe } from '../data/recipe.ts';
import { applyRecipeFlags, type RecipeFlags } from '../data/recipe-flags.ts';
import { sameShape, sizeOf } from '../graph/shape.ts';
import type { Graph } from '../graph/types.ts';
import type { ModelFile } from './read-model.ts';

/** Where a quantized file carries the preprocessing of the float model it came from. */
export const recipeKey = 'neonarrow.recipe';

/** The input as data sets see it: an image where the tensor's last axis came from the ONNX value's second one. */
export function inputSpecOf(graph: Graph): InputSpec {
  const port = must(graph.inputs[0], 'input');
  const { shape } = must(graph.tensors.get(port.tensor), port.tensor);
  if (port.shape.length !== 4 || shape.length !== 4) return { shape: port.shape, layout: 'other' };
  const [n, c, h, w] = port.shape;
  if (sameShape(shape, [n!, h!, w!, c!]) && port.views.length > 0) return { shape: port.shape, layout: 'NCHW' };
  return sameShape(shape, port.shape) ? { shape: port.shape, layout: 'NHWC' } : { shape: port.shape, layout: 'other' };
}

/** Elements of the first output: the classes of a classifier. */
export function classesOf(graph: Graph): number {
  return sizeOf(must(graph.outputs[0], 'output').shape);
}

/** The model's recipe: the named file, the one next to the model, what a quantized file carries, or nothing; flags win. */
export async function readRecipe(model: ModelFile, named: string | undefined, flags: RecipeFlags): Promise<Recipe> {
  const carried = model.metadata.get(recipeKey);
  const recipe = await findRecipe(model.path, named);
  const found = recipe.source === undefined && carried !== undefined ? parseRecipe(carried, model.path) : recipe;
  return applyRecipeFlags(found, flags);
}

/** The real inputs that the recipe's pixels, or its range, can be; undefined where it says neither. */
export function inputRangeOf({ pixelScale, mean = [0], std = [1], range }: Recipe): [number, number] | undefined {
  if (pixelScale === undefined) return range === undefined ? undefined : [...range];
  const ends = Array.from({ length: Math.max(mean.length, std.length) }, (_, c) => {
    const [m, s] = [mean[c] ?? mean[0] ?? 0, std[c] ?? std[0] ?? 1];
    return [-m / s, (255 * pixelScale - m) / s];
  }).flat();
  return [Math.min(...ends), Math.max(...ends)];
}

/** What a quantized file carries of the recipe: preprocessing and labels, not where data lies. */
export function recipeText({ source: _, calibrate: __, evaluate: ___, ...carried }: Recipe): string {
  return JSON.stringify(carried);
}

/** @throws reject `no-data`, `data-without-labels` where they are needed, and what `loadDataset` throws */
export async function readData(
  graph: Graph,
  spec: string | undefined,
  recipe: Recipe,
  options: { samples?: number | undefined; seed: number; labelled?: boolean },
): Promise<Dataset> {
  if (spec === undefined) {
    throw reject({
      code: 'no-data',
      message: 'no data is named',
      place: options.labelled === true ? '--evaluate' : '--calibrate',
      hint: 'Name samples like those that the network will see, e.g. --calibrate cifar10:data_batch_1.bin.',
    });
  }
  const { samples, seed } = options;
  const classes = options.labelled === true ? { classes: classesOf(graph) } : {};
  const data = await loadDataset(spec, inputSpecOf(graph), recipe, { samples, seed, ...classes });
  if (options.labelled === true) requireLabels(data);
  return data;
}

/** The tables behind `<model>_quantize_u8`, where the input is pixels. */
export function pixelsOf(graph: Graph, recipe: Recipe): { table: Float32Array; formula: string } | undefined {
  const input = inputSpecOf(graph);
  if (recipe.pixelScale === undefined || imageSize(input) === undefined) return undefined;
  const list = (values: readonly number[]) => (values.length === 1 ? String(values[0]) : `[${values.join(', ')}]`);
  const formula = `(pixel * ${recipe.pixelScale} - ${list(recipe.mean ?? [0])}) / ${list(recipe.std ?? [1])}`;
  return { table: pixelTable(recipe, input, recipe.source ?? '--pixel-scale'), formula };
}
