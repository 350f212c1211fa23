import { reject } from '../core/diagnostics.ts';
import { type Recipe, recipeSchema } from './recipe.ts';

/** The command line's text for the recipe's keys; absent flags are undefined. */
export interface RecipeFlags {
  /** `0.0039` or a fraction, `1/255`. */
  readonly pixelScale?: string | undefined;
  /** `0.49,0.48,0.45` */
  readonly mean?: string | undefined;
  readonly std?: string | undefined;
  /** `cat,dog`, or a text file with a name on each line: `labels.txt` */
  readonly labels?: string | undefined;
  readonly resize?: string | undefined;
  readonly channels?: string | undefined;
  readonly layout?: string | undefined;
  /** `-1,1` */
  readonly range?: string | undefined;
}

type Key = Exclude<keyof RecipeFlags, 'labels'>;

const READERS: Readonly<Record<Key, { flag: string; example: string; read(text: string): unknown }>> = {
  pixelScale: { flag: '--pixel-scale', example: '1/255', read: number },
  mean: { flag: '--mean', example: '0.49,0.48,0.45', read: (text) => text.split(',').map(number) },
  std: { flag: '--std', example: '0.25,0.24,0.26', read: (text) => text.split(',').map(number) },
  resize: { flag: '--resize', example: '256', read: number },
  channels: { flag: '--channels', example: 'BGR', read: (text) => text.toUpperCase() },
  layout: { flag: '--layout', example: 'HWC', read: (text) => text.toUpperCase() },
  range: { flag: '--range', example: '-1,1', read: (text) => text.split(',').map(number) },
};

/**
 * The recipe with the given flags put over its keys.
 *
 * @throws reject `bad-flag`, placed at the flag
 */
export function applyRecipeFlags(recipe: Recipe, { labels, ...flags }: RecipeFlags): Recipe {
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(READERS) as Key[]) {
    const text = flags[key];
    if (text !== undefined) given[key] = readFlag(key, text);
  }
  if (labels === undefined) return { ...recipe, ...given };
  const { labels: _, labelsFile: __, ...rest } = recipe;
  return {
    ...rest,
    ...given,
    ...(/\.txt$/i.test(labels) ? { labelsFile: labels } : { labels: labels.split(',').map((label) => label.trim()) }),
  };
}

function readFlag(key: Key, text: string): unknown {
  const { flag, example, read } = READERS[key];
  const parsed = recipeSchema.shape[key].safeParse(read(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw reject({
    code: 'bad-flag',
    message: `"${text}" is not valid: it ${issue?.message ?? 'has an unknown problem'}.`,
    place: flag,
    hint: `It looks like ${flag} ${example}.`,
  });
}

/** A decimal number or a fraction; NaN, which the schema refuses, for anything else. */
function number(text: string): number {
  const [top, bottom, more] = text.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (top === undefined || more !== undefined) return Number.NaN;
  return bottom === undefined ? top : top / bottom;
}
