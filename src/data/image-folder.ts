import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { classIndices } from './class-folders.ts';
import { unreadableData } from './files.ts';
import { type KnownClasses, type Picture, requirePicture } from './pictures.ts';
import { DATA_FORMS } from './spec.ts';

/**
 * The pictures of a folder: one folder a class gives labelled ones, a flat folder unlabelled ones; in the order of their
 * names.
 *
 * @throws reject `data-not-found`, `unknown-data-file` (a file, not a folder), `data-empty`, `mixed-image-folder`,
 *   `not-an-image`, `unknown-class-folder`
 */
export async function listImageFolder(path: string, known: KnownClasses): Promise<Picture[]> {
  const entries = await list(path);
  const folders = entries.filter((entry) => entry.isFolder).map((entry) => entry.name);
  if (folders.length === 0) return entries.map((entry) => toPicture(path, entry.name));
  const file = entries.find((entry) => !entry.isFolder);
  if (file !== undefined) {
    throw reject({
      code: 'mixed-image-folder',
      message: `The folder holds folders (${folders[0]}, …) as well as files (${file.name}, …).`,
      place: path,
      hint: 'Give a folder of one folder a class, or a flat folder of images, which has no labels.',
    });
  }
  const indices = classIndices(folders, known, path);
  const classes = await Promise.all(folders.map((folder) => list(join(path, folder))));
  const pictures = classes.flatMap((files, i) =>
    files.map(({ name }) => ({ ...toPicture(join(path, folders[i] ?? ''), name), label: indices[i] ?? 0 })),
  );
  if (pictures.length === 0) throw noPictures(path);
  return pictures;
}

/** The entries in the order of their names, without hidden ones; symbolic links are followed. */
async function list(path: string): Promise<{ name: string; isFolder: boolean }[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') throw await unknownFile(path, error);
    throw unreadableData(path, error);
  }
  const seen = entries.filter((entry) => !entry.name.startsWith('.'));
  if (seen.length === 0) throw noPictures(path);
  // By code units, so that the order does not depend on the machine's language.
  seen.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isFolder = async (entry: Dirent) =>
    entry.isSymbolicLink()
      ? ((await stat(join(path, entry.name)).catch(() => undefined))?.isDirectory() ?? false)
      : entry.isDirectory();
  return Promise.all(seen.map(async (entry) => ({ name: entry.name, isFolder: await isFolder(entry) })));
}

function toPicture(folder: string, name: string): Picture {
  const path = join(folder, name);
  requirePicture(path);
  return { path };
}

function noPictures(place: string): NeonarrowError {
  const hint = 'Put PNG or JPEG files in it, or one folder of them a class.';
  return reject({ code: 'data-empty', message: 'The folder holds no images.', place, hint });
}

async function unknownFile(path: string, error: unknown): Promise<NeonarrowError> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined) return unreadableData(path, error);
  const message = 'Its name does not say what kind of data this file is.';
  return reject({ code: 'unknown-data-file', message, place: path, hint: DATA_FORMS }, error);
}
