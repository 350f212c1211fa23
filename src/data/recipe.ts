import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { reject } from '../core/diagnostics.ts';
import { channelCount, formatShape, type InputSpec, imageSize } from './input.ts';
import { resolveDataSpec } from './spec.ts';

/**
 * How a model's samples become its inputs: real input = (pixel · pixelScale − mean) / std. Read from a JSON file next to
 * the model; flags of the same names win, key by key.
 */
export interface Recipe {
  /** Real value of one step of a pixel, before mean and std, e.g. 1/255; 1 where the model takes raw 0…255 pixels. */
  readonly pixelScale?: number;
  /** One value, or one a channel; 0 where absent. */
  readonly mean?: readonly number[];
  /** One value, or one a channel, each above 0; 1 where absent. */
  readonly std?: readonly number[];
  /** The name of each class. */
  readonly labels?: readonly string[];
  /** A text file with a name on each line instead; `withClassNames` reads it. */
  readonly labelsFile?: string;
  /** The short side to which pictures are resized before the model's size is cut from their centre. */
  readonly resize?: number;
  /** The order of colours that the model takes, where samples are pictures; arrays are taken as they are. RGB where absent. */
  readonly channels?: 'RGB' | 'BGR';
  /** Order of the pixels in arrays and raw files whose shape leaves it open. */
  readonly layout?: 'HWC' | 'CHW';
  /** Least and greatest real input, for `random:N` where the inputs are not pixels. */
  readonly range?: readonly [number, number];
  /** Data specs for when the flag is absent; in the file, paths are relative to the file's folder. */
  readonly calibrate?: string;
  readonly evaluate?: string;
  /** Where the recipe came from, for messages. */
  readonly source?: string;
}

const finite = z.number('must be a number');
const positive = finite.gt(0, 'must be greater than 0');
const oneOrMore = <T extends z.ZodType>(item: T, of: string) =>
  z.array(item, `must be an array of ${of}`).min(1, 'must not be empty').exactOptional();
const dataSpec = z.string('must name data, e.g. "cifar10:data_batch_1.bin"').exactOptional();

/** The keys of the file; not `source`. */
export const recipeSchema = z
  .strictObject(
    {
      pixelScale: positive.exactOptional(),
      mean: oneOrMore(finite, 'numbers'),
      std: oneOrMore(positive, 'numbers'),
      labels: oneOrMore(z.string('must be a string'), 'strings'),
      labelsFile: z.string('must name a text file').exactOptional(),
      resize: z.int('must be a whole number').gt(0, 'must be greater than 0').exactOptional(),
      channels: z.enum(['RGB', 'BGR'], 'must be "RGB" or "BGR"').exactOptional(),
      layout: z.enum(['HWC', 'CHW'], 'must be "HWC" or "CHW"').exactOptional(),
      range: z
        .tuple([finite, finite], 'must be [least, greatest]')
        .refine(([lo, hi]) => lo < hi, 'must be [least, greatest]')
        .exactOptional(),
      calibrate: dataSpec,
      evaluate: dataSpec,
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be an object') },
  )
  .refine(({ labels, labelsFile }) => labels === undefined || labelsFile === undefined, {
    error: 'must not have both "labels" and "labelsFile"',
  });

/**
 * The recipe of a model: `named` where given, else `<model>.json` next to `model` (a path that ends in `.onnx`), else an
 * empty recipe.
 *
 * @throws reject `recipe-not-found`, `recipe-unreadable`, `recipe-not-json`, `bad-recipe`
 */
export async function findRecipe(model: string, named?: string): Promise<Recipe> {
  const path = named ?? model.replace(/(\.onnx)?$/, '.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error);
    if (named === undefined) return {};
    const hint = 'Check --recipe, or leave it out to use the .json file next to the model.';
    throw reject({ code: 'recipe-not-found', message: 'There is no such recipe.', place: path, hint }, error);
  }
  return parseRecipe(text, path);
}

/** Checks a recipe's text; `path` names it in messages and anchors its relative paths. Rejects like `findRecipe`. */
export function parseRecipe(text: string, path: string): Recipe {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const message = `The recipe is not JSON: ${(error as Error).message}.`;
    throw reject({ code: 'recipe-not-json', message, place: path, hint: EXAMPLE }, error);
  }
  const parsed = recipeSchema.safeParse(json);
  if (!parsed.success) throw badRecipe(parsed.error, path);
  const { calibrate, evaluate, labelsFile, ...rest } = parsed.data;
  return {
    ...rest,
    ...(labelsFile === undefined ? {} : { labelsFile: resolve(dirname(path), labelsFile) }),
    ...(calibrate === undefined ? {} : { calibrate: resolveDataSpec(calibrate, dirname(path)) }),
    ...(evaluate === undefined ? {} : { evaluate: resolveDataSpec(evaluate, dirname(path)) }),
    source: path,
  };
}

/**
 * Refuses a recipe that does not fit the model.
 *
 * @param classes how many outputs the classifier has, where it is one
 * @throws reject `recipe-channels` when mean or std have neither one value nor one a channel; `recipe-labels` when there
 *   are more or fewer labels than classes
 */
export function checkRecipe(recipe: Recipe, input: InputSpec, classes?: number): void {
  const channels = channelCount(input);
  for (const key of ['mean', 'std'] as const) {
    const count = recipe[key]?.length ?? 1;
    if (count === 1 || count === channels) continue;
    throw reject({
      code: 'recipe-channels',
      message: `"${key}" has ${count} values, but the model's input ${formatShape(input.shape)} has ${channels} ${channels === 1 ? 'channel' : 'channels'}.`,
      place: recipe.source ?? `--${key}`,
      hint: channels === 1 ? 'Give one value.' : `Give one value, or one for each of the ${channels} channels.`,
    });
  }
  const short = Math.max(imageSize(input)?.height ?? 0, imageSize(input)?.width ?? 0);
  if ((recipe.resize ?? short) < short) {
    throw reject({
      code: 'recipe-resize',
      message: `Pictures resized to ${recipe.resize} are smaller than the model's ${formatShape(input.shape)}.`,
      place: recipe.source ?? '--resize',
      hint: `Give at least ${short}, or leave it out.`,
    });
  }
  const labels = recipe.labels?.length;
  if (labels === undefined || classes === undefined || labels === classes) return;
  throw reject({
    code: 'recipe-labels',
    message: `"labels" names ${labels} classes, but the model has ${classes}.`,
    place: recipe.source ?? '--labels',
    hint: `Give ${classes} labels, in the order of the model's outputs.`,
  });
}

const EXAMPLE = 'A recipe looks like { "pixelScale": 0.00392156862745098, "mean": [0.5], "std": [0.25] }.';

function unreadable(path: string, error: unknown) {
  const message = `The recipe cannot be read: ${(error as Error).message}.`;
  return reject({ code: 'recipe-unreadable', message, place: path, hint: 'Name a readable JSON file.' }, error);
}

function badRecipe(error: z.ZodError, path: string) {
  const problems = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ text: `unknown key "${key}"`, hint: hintForKey(key) }))
      : [{ text: `${formatPath(issue.path)} ${issue.message}`, hint: EXAMPLE }],
  );
  const [first] = problems;
  return reject({
    code: 'bad-recipe',
    message: `The recipe is not valid: ${first?.text ?? 'unknown problem'}.`,
    place: path,
    hint: first?.hint ?? EXAMPLE,
    ...(problems.length > 1 ? { details: problems.map((problem) => problem.text) } : {}),
  });
}

function formatPath(path: readonly PropertyKey[]): string {
  const [key, ...rest] = path;
  return key === undefined ? 'the whole file' : `"${String(key)}${rest.map((part) => `[${String(part)}]`).join('')}"`;
}

function hintForKey(key: string): string {
  const known = Object.keys(recipeSchema.shape);
  const bare = (name: string) => name.toLowerCase().replace(/[^a-z]|s$/g, '');
  const meant = known.find((name) => bare(name) === bare(key));
  return `${meant === undefined ? '' : `Did you mean "${meant}"? `}The known keys are ${known.join(', ')}.`;
}
