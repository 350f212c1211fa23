import { readFile } from 'node:fs/promises';
import { reject } from '../core/diagnostics.ts';
import type { Recipe } from './recipe.ts';

/** The recipe with the names that its `labelsFile` holds in place of the file. Throws reject as `readClassNames`. */
export async function withClassNames(recipe: Recipe): Promise<Recipe> {
  const { labelsFile, ...rest } = recipe;
  return labelsFile === undefined ? recipe : { ...rest, labels: await readClassNames(labelsFile) };
}

/**
 * The names of classes in a text file, one a line, in the order of the model's outputs.
 *
 * @throws reject `labels-unreadable` where there is no such file, `bad-labels` for an empty file or line
 */
export async function readClassNames(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const message = error.code === 'ENOENT' ? 'There is no such file.' : `It cannot be read: ${error.message}.`;
    throw reject({ code: 'labels-unreadable', message, place: path, hint: HINT }, error);
  });
  const names = linesOf(text);
  const empty = names.indexOf('');
  if (names.length > 0 && empty < 0) return names;
  const message = names.length === 0 ? 'The file names no classes.' : `Line ${empty + 1} is empty.`;
  throw reject({ code: 'bad-labels', message, place: path, hint: HINT });
}

/** The trimmed lines of a text file, whatever system wrote it, without the empty ones at its end. */
export function linesOf(text: string): string[] {
  const trimmed = text.replace(/^\uFEFF/, '').trimEnd();
  return trimmed === '' ? [] : trimmed.split(/\r?\n/).map((line) => line.trim());
}

/**
 * The class with this name, or with a name that begins with this word: `n01440764` is the class `n01440764 tench`.
 *
 * @returns -1 where there is none, or where several begin so
 */
export function classNamed(name: string, classNames: readonly string[]): number {
  const whole = classNames.indexOf(name);
  if (whole >= 0) return whole;
  const starts = (label: string) => label.startsWith(`${name} `);
  const first = classNames.findIndex(starts);
  return first === classNames.findLastIndex(starts) ? first : -1;
}

const HINT = 'Give a text file with the name of a class on each line, in the order of the model’s outputs.';
