import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { withClassNames } from '../data/class-names.ts';
import { type Dataset, requireLabels } from '../data/dataset.ts';
import { type InputSpec, imageSize } from '../data/input.ts';
import { loadInputs } from '../data/load-inputs.ts';
import { pixelTable } from '../data/preprocess.ts';
import { findRecipe, parseRecipe, type Recipe } from '../data/recipe.ts';
import { applyRecipeFlags, type RecipeFlags } from '../data/recipe-flags.ts';
import { sameShape, sizeOf } from '../graph/shape.ts';
import type { Graph, Port } from '../graph/types.ts';
import type { ModelFile } from './read-model.ts';

/** Where a quantized file carries the preprocessing of the float model it came from. */
export const recipeKey = 'neonarrow.recipe';

/** The input as data sets see it: an image where the tensor's last axis came from the ONNX value's second one. */
export function inputSpecOf(graph: Graph, port: Port = must(graph.inputs[0], 'input')): InputSpec {
  const { shape: tensor } = must(graph.tensors.get(port.tensor), port.tensor);
  const { name, shape } = port;
  if (shape.length !== 4 || tensor.length !== 4) return { name, shape, layout: 'other' };
  const [n, c, h, w] = shape;
  if (sameShape(tensor, [n!, h!, w!, c!]) && port.views.length > 0) return { name, shape, layout: 'NCHW' };
  return { name, shape, layout: sameShape(tensor, shape) ? 'NHWC' : 'other' };
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
  return withClassNames(applyRecipeFlags(found, flags));
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
  options: { samples?: number | undefined; seed: number; labelled?: boolean; flag?: string },
): Promise<Dataset> {
  if (spec === undefined) {
    const flag = options.flag ?? (options.labelled === true ? '--evaluate' : '--calibrate');
    throw reject({
      code: 'no-data',
      message: 'no data is named',
      place: flag,
      hint: `Name samples like those that the network will see, e.g. ${flag} cifar10:data_batch_1.bin.`,
    });
  }
  const { samples, seed } = options;
  const classes = options.labelled === true ? { classes: classesOf(graph) } : {};
  const inputs = graph.inputs.map((port) => inputSpecOf(graph, port));
  const data = await loadInputs(spec, inputs, recipe, { samples, seed, ...classes });
  if (options.labelled === true) requireLabels(data);
  return data;
}

/** The tables behind `<model>_quantize_u8`, where the input is pixels. */
export function pixelsOf(graph: Graph, recipe: Recipe): { table: Float32Array; formula: string } | undefined {
  const input = inputSpecOf(graph);
  if (recipe.pixelScale === undefined || imageSize(input) === undefined || graph.inputs.length > 1) return undefined;
  const list = (values: readonly number[]) => (values.length === 1 ? String(values[0]) : `[${values.join(', ')}]`);
  const order = recipe.channels === 'BGR' ? ', blue first' : '';
  const formula = `(pixel * ${recipe.pixelScale} - ${list(recipe.mean ?? [0])}) / ${list(recipe.std ?? [1])}${order}`;
  return { table: pixelTable(recipe, input, recipe.source ?? '--pixel-scale'), formula };
}
