import { reject } from '../core/diagnostics.ts';
import { classNamed } from './class-names.ts';
import type { KnownClasses } from './pictures.ts';

/**
 * The class of each folder: by the recipe's label of the same name or first word, else by a number as its name, else by its place in
 * the sorted list, if there are as many folders as classes.
 *
 * @param folders names, sorted
 * @throws reject `unknown-class-folder`
 */
export function classIndices(
  folders: readonly string[],
  { classNames, classes }: KnownClasses,
  place: string,
): readonly number[] {
  const count = classNames?.length ?? classes;
  const named = folders.map((folder) => classNamed(folder, classNames ?? []));
  if (named.every((index) => index >= 0)) return named;
  const numbers = folders.map((folder) => (/^\d+$/.test(folder) ? Number(folder) : -1));
  if (numbers.every((index) => index >= 0 && index < (count ?? Number.POSITIVE_INFINITY))) return numbers;
  // Names that are partly labels are a spelling mistake, not another set of names.
  const noneNamed = named.every((index) => index < 0);
  if (noneNamed && (count === undefined || count === folders.length)) return folders.map((_, i) => i);
  const stranger = folders.find((_, i) => (noneNamed ? numbers : named)[i] === -1) ?? folders[0];
  throw reject({
    code: 'unknown-class-folder',
    message: `The folder "${stranger}" is none of the model's classes, and there are ${folders.length} folders for ${count} classes.`,
    place,
    hint:
      classNames === undefined
        ? `Name the folders 0 to ${(count ?? 1) - 1}, or give the recipe labels.`
        : `Name the folders as the labels: ${classNames.slice(0, 12).join(', ')}${classNames.length > 12 ? ', …' : ''}.`,
  });
}
