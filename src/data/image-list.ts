import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { reject } from '../core/diagnostics.ts';
import { classNamed, linesOf } from './class-names.ts';
import { readDataFile } from './files.ts';
import { type KnownClasses, type Picture, requirePicture } from './pictures.ts';

/**
 * The pictures that a text file lists, one a line: a path, from the file's folder, and after a space the class, as a number
 * from 0 or by its name in the recipe. Without a class on any line they are unlabelled.
 *
 * @throws reject `data-not-found`, `data-empty`, `bad-image-list`, `not-an-image`
 */
export async function listImageFile(file: string, { classNames = [] }: KnownClasses): Promise<Picture[]> {
  const lines = linesOf(new TextDecoder().decode(await readDataFile(file)));
  const labelled = lines.some((line) => splitLine(line).name !== undefined);
  const folder = dirname(file);
  return lines.map((line, i) => {
    const { picture, name } = splitLine(line);
    const place = `${file}, line ${i + 1}`;
    if (picture === '' || (labelled && name === undefined)) throw badLine(place, line);
    const path = resolve(folder, picture);
    requirePicture(path);
    if (!existsSync(path)) throw noImage(place, picture, folder);
    return name === undefined ? { path } : { path, label: labelOf(name, classNames, place) };
  });
}

/** A path may hold spaces; what comes after its extension is the class. */
function splitLine(line: string): { picture: string; name?: string } {
  const [, picture = line, name] = /^(.*?\.(?:png|jpe?g))[ \t]+(\S.*)$/i.exec(line) ?? [];
  return { picture, ...(name !== undefined && { name }) };
}

function labelOf(name: string, classNames: readonly string[], place: string): number {
  const index = classNamed(name, classNames);
  if (index >= 0) return index;
  if (/^\d+$/.test(name)) return Number(name);
  throw reject({
    code: 'bad-image-list',
    message: `"${name}" is none of the model's classes.`,
    place,
    hint: 'Give the number of the class, from 0, or its name as in --labels.',
  });
}

function noImage(place: string, picture: string, folder: string) {
  const hint = `Paths begin at the list's folder, ${folder}, unless they begin with a slash.`;
  return reject({ code: 'bad-image-list', message: `There is no image "${picture}".`, place, hint });
}

function badLine(place: string, line: string) {
  const message = line === '' ? 'The line is empty.' : `"${line}" names no class, as other lines do.`;
  const hint =
    'Each line is the path of an image and its class, e.g. "val_00000001.JPEG 65", or a path alone on every line.';
  return reject({ code: 'bad-image-list', message, place, hint });
}
