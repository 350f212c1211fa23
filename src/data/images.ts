import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { classIndices } from './class-folders.ts';
import { unreadableData } from './files.ts';
import { formatShape, type ImageSize, type InputSpec, imageSize } from './input.ts';
import { type Samples, samplesIn } from './samples.ts';
import { DATA_FORMS } from './spec.ts';

interface Picture {
  readonly path: string;
  readonly label?: number;
}

export interface ImageFolderOptions {
  /** Class names, to match folders with. */
  readonly classNames?: readonly string[] | undefined;
  readonly classes?: number | undefined;
  /** Which of `count` pictures to decode, ascending. */
  choose(count: number): readonly number[];
}

/**
 * PNG and JPEG pictures: a folder of one folder a class gives labelled samples, a flat folder unlabelled ones; in the
 * order of their names. Each is resized until its short side fits and cut to the model's size around its centre.
 *
 * @throws reject `data-not-found`, `unknown-data-file` (a file, not a folder), `data-empty`, `mixed-image-folder`,
 *   `not-an-image`, `unknown-class-folder`, `data-shape` (a model that takes no images), `data-too-large`
 */
export async function readImageFolder(path: string, input: InputSpec, options: ImageFolderOptions): Promise<Samples> {
  const pictures = await listPictures(path, options);
  const size = pictureSize(input, path);
  const chosen = options.choose(pictures.length).flatMap((i) => pictures[i] ?? []);
  const data = await decodeAll(chosen, size, path);
  const labels = chosen.flatMap((picture) => picture.label ?? []);
  return samplesIn(data, size.height * size.width * size.channels, {
    count: chosen.length,
    order: 'HWC',
    place: path,
    ...(labels.length === 0 ? {} : { labels: Int32Array.from(labels) }),
  });
}

async function listPictures(path: string, options: ImageFolderOptions): Promise<Picture[]> {
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
  const indices = classIndices(folders, options, path);
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
  if (/\.(png|jpe?g)$/i.test(name)) return { path };
  // Leaving it out silently would also leave out a class of .bmp files.
  throw notAnImage(path, 'It is no .png, .jpg or .jpeg file.', 'Move it out of the folder, or convert it to PNG.');
}

function pictureSize(input: InputSpec, path: string): ImageSize {
  const size = imageSize(input);
  if (size !== undefined && (size.channels === 1 || size.channels === 3)) return size;
  throw reject({
    code: 'data-shape',
    message: `Images have 1 or 3 channels, but the model takes ${formatShape(input.shape.slice(1))} a sample.`,
    place: path,
    hint: 'Give this model arrays: FILE.npy or FILE.npz.',
  });
}

const MAX_BYTES = 2 ** 31 - 1;
const AT_ONCE = 16;

async function decodeAll(pictures: readonly Picture[], size: ImageSize, folder: string): Promise<Uint8Array> {
  const bytes = size.height * size.width * size.channels;
  if (pictures.length * bytes > MAX_BYTES) {
    const message = `${pictures.length} images of ${bytes} bytes are more than is held at once (2 GiB).`;
    const hint = `Take at most ${Math.floor(MAX_BYTES / bytes)} with --samples.`;
    throw reject({ code: 'data-too-large', message, place: folder, hint });
  }
  const data = new Uint8Array(pictures.length * bytes);
  for (let from = 0; from < pictures.length; from += AT_ONCE) {
    const group = pictures.slice(from, from + AT_ONCE);
    const decoded = await Promise.all(group.map(({ path }) => decode(path, size)));
    for (const [i, pixels] of decoded.entries()) data.set(pixels, (from + i) * bytes);
  }
  return data;
}

async function decode(path: string, { height, width, channels }: ImageSize): Promise<Uint8Array> {
  try {
    // Upright as a viewer shows it; a transparent pixel keeps its colour.
    const image = sharp(path).autoOrient().removeAlpha().resize(width, height, { fit: 'cover', position: 'centre' });
    return await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw notAnImage(path, `It cannot be decoded: ${line}.`, 'Replace it, or move it out of the folder.', error);
  }
}

function notAnImage(place: string, message: string, hint: string, cause?: unknown): NeonarrowError {
  return reject({ code: 'not-an-image', message, place, hint }, cause);
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
