import sharp from 'sharp';
import { reject } from '../core/diagnostics.ts';
import { formatShape, type ImageSize, type InputSpec, imageSize } from './input.ts';
import { notAnImage, type Picture } from './pictures.ts';
import type { Recipe } from './recipe.ts';
import { type Samples, samplesIn } from './samples.ts';

/**
 * PNG and JPEG pictures, decoded. Each is resized until its short side is the recipe's `resize`, else until it fits, and
 * cut to the model's size around its centre.
 *
 * @param place the folder or list that names them
 * @param choose which of `count` pictures to decode, ascending
 * @throws reject `not-an-image`, `data-shape` (a model that takes no images), `data-too-large`
 */
export async function readImages(
  pictures: readonly Picture[],
  input: InputSpec,
  recipe: Recipe,
  { place, choose }: { readonly place: string; choose(count: number): readonly number[] },
): Promise<Samples> {
  const size = pictureSize(input, place);
  const chosen = choose(pictures.length).flatMap((i) => pictures[i] ?? []);
  const data = await decodeAll(chosen, size, recipe, place);
  const labels = chosen.flatMap((picture) => picture.label ?? []);
  return samplesIn(data, size.height * size.width * size.channels, {
    count: chosen.length,
    order: 'HWC',
    place,
    ...(labels.length === 0 ? {} : { labels: Int32Array.from(labels) }),
  });
}

function pictureSize(input: InputSpec, place: string): ImageSize {
  const size = imageSize(input);
  if (size !== undefined && (size.channels === 1 || size.channels === 3)) return size;
  throw reject({
    code: 'data-shape',
    message: `Images have 1 or 3 channels, but the model takes ${formatShape(input.shape.slice(1))} a sample.`,
    place,
    hint: 'Give this model arrays: FILE.npy or FILE.npz.',
  });
}

const MAX_BYTES = 2 ** 31 - 1;
const AT_ONCE = 16;

async function decodeAll(
  pictures: readonly Picture[],
  size: ImageSize,
  recipe: Recipe,
  place: string,
): Promise<Uint8Array> {
  const bytes = size.height * size.width * size.channels;
  if (pictures.length * bytes > MAX_BYTES) {
    const message = `${pictures.length} images of ${bytes} bytes are more than is held at once (2 GiB).`;
    const hint = `Take at most ${Math.floor(MAX_BYTES / bytes)} with --samples, or --images of "sweep".`;
    throw reject({ code: 'data-too-large', message, place, hint });
  }
  const data = new Uint8Array(pictures.length * bytes);
  for (let from = 0; from < pictures.length; from += AT_ONCE) {
    const group = pictures.slice(from, from + AT_ONCE);
    const decoded = await Promise.all(group.map(({ path }) => decode(path, size, recipe)));
    for (const [i, pixels] of decoded.entries()) data.set(pixels, (from + i) * bytes);
  }
  return data;
}

async function decode(path: string, size: ImageSize, recipe: Recipe): Promise<Uint8Array> {
  const { height, width, channels } = size;
  const { resize } = recipe;
  try {
    // Upright as a viewer shows it; a transparent pixel keeps its colour.
    const image = sharp(path).autoOrient().removeAlpha();
    const resized =
      resize === undefined
        ? image.resize(width, height, { fit: 'cover', position: 'centre' })
        : image.resize(resize, resize, { fit: 'outside' });
    const { data, info } = await resized
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const pixels = cutCentre(data, { ...info, channels }, size);
    return recipe.channels === 'BGR' && channels === 3 ? reversed(pixels) : pixels;
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw notAnImage(path, `It cannot be decoded: ${line}.`, 'Replace it, or move it out of the folder.', error);
  }
}

/** The pixels of `size` around the centre of an image that is no smaller. */
function cutCentre(pixels: Uint8Array, from: ImageSize, { height, width, channels }: ImageSize): Uint8Array {
  const top = Math.round((from.height - height) / 2);
  const left = Math.round((from.width - width) / 2);
  const cut = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const at = ((top + y) * from.width + left) * channels;
    cut.set(pixels.subarray(at, at + width * channels), y * width * channels);
  }
  return cut;
}

/** Each pixel's three colours in the other order. */
function reversed(pixels: Uint8Array): Uint8Array {
  return pixels.map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)] ?? 0);
}
