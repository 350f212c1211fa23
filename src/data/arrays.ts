import { unzipSync } from 'fflate';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { readDataFile } from './files.ts';
import { formatShape, type InputSpec, sampleSize } from './input.ts';
import { type NpyArray, parseNpy } from './npy.ts';
import type { Recipe } from './recipe.ts';
import { orderOf, type RealArray, type Samples, samplesIn } from './samples.ts';

const SAMPLE_NAMES = ['x', 'images', 'data'];
const LABEL_NAMES = ['y', 'labels'];

/** Samples without labels from an .npy file. uint8 is pixels; float32, float64 and int8 are real inputs. */
export async function readNpySamples(path: string, input: InputSpec, recipe: Recipe): Promise<Samples> {
  return toSamples(parseNpy(await readDataFile(path), path), undefined, input, recipe, path);
}

/**
 * Samples from an .npz file: the array with the input's name, else `x`, `images` or `data`, else the only array there is;
 * with labels `y` or `labels`.
 *
 * @param several the network has more inputs than this one: only the name says which array is whose
 * @throws reject `bad-npz`, `npz-arrays`, and what .npy files can be rejected for
 */
export async function readNpzSamples(
  path: string,
  input: InputSpec,
  recipe: Recipe,
  several = false,
): Promise<Samples> {
  const files = unzip(await readDataFile(path), path);
  const names = [...files.keys()];
  const read = (name: string | undefined) => {
    const bytes = name === undefined ? undefined : files.get(name);
    return bytes === undefined ? undefined : parseNpy(bytes, `${path}: array "${name}"`);
  };
  const own = input.name === undefined ? [] : [input.name];
  const only = names.length === 1 && !LABEL_NAMES.includes(names[0] ?? '') ? names : [];
  const known = several ? own : [...own, ...SAMPLE_NAMES, ...only];
  const array = read(known.find((name) => files.has(name)));
  if (array === undefined) throw several ? noInput(input.name ?? '', names, path) : noSamples(names, path);
  const labels = read(LABEL_NAMES.find((known) => files.has(known)));
  return toSamples(array, labels && readLabels(labels, path), input, recipe, path);
}

function unzip(bytes: Uint8Array, path: string): Map<string, Uint8Array> {
  try {
    const entries = Object.entries(unzipSync(bytes)).filter(([name]) => name.endsWith('.npy'));
    return new Map(entries.map(([name, data]) => [name.slice(0, -'.npy'.length), data]));
  } catch (error) {
    throw reject(
      {
        code: 'bad-npz',
        message: `This is not a whole .npz file: ${(error as Error).message}.`,
        place: path,
        hint: 'Write it again with numpy.savez_compressed(file, x=…, y=…).',
      },
      error,
    );
  }
}

function toSamples(
  { shape, data }: NpyArray,
  labels: Int32Array | undefined,
  input: InputSpec,
  recipe: Recipe,
  place: string,
): Samples {
  const [count = 0, ...dims] = shape;
  if (count > 0 && shape.length === 1 && sampleSize(input) !== 1) throw noBatch(shape, input, place);
  const order = orderOf(dims, input, recipe, place);
  const rest = { count, order, place, ...(labels === undefined ? {} : { labels }) };
  if (labels !== undefined && labels.length !== count) {
    const message = `There are ${count} samples but ${labels.length} labels.`;
    throw reject({ code: 'label-count', message, place, hint: 'Give one label a sample.' });
  }
  return samplesIn(asSampleData(data, place), sampleSize(input), rest);
}

function asSampleData(data: NpyArray['data'], place: string): Uint8Array | RealArray {
  const fits = [Uint8Array, Int8Array, Float32Array, Float64Array].some((type) => data instanceof type);
  if (fits) return data as Uint8Array | RealArray;
  // An int64 array may hold pixels or real inputs; guessing would be silently wrong for half of the users.
  throw reject({
    code: 'data-type',
    message: `Samples are uint8 (pixels), or float32, float64 or int8 (real inputs), not ${typeName(data)}.`,
    place,
    hint: "Use x.astype('uint8') for pixels or x.astype('float32') for real inputs.",
  });
}

function readLabels({ shape, data }: NpyArray, place: string): Int32Array {
  const isVector = shape.length >= 1 && shape.slice(1).every((d) => d === 1);
  if (isVector && !(data instanceof Float32Array || data instanceof Float64Array))
    return Int32Array.from(data, toInt32);
  throw reject({
    code: 'label-type',
    message: `Labels are a vector of integers, not ${formatShape(shape)} ${typeName(data)}.`,
    place,
    hint: "Use y.argmax(1) for one-hot labels, y.astype('int32') for floats.",
  });
}

// Clamped, not wrapped, so that a label of 2^32 is refused as out of range.
const toInt32 = (value: number | bigint) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(value)));

const typeName = (data: NpyArray['data']) =>
  data.constructor.name
    .replace(/^Big/, '')
    .replace(/Array$/, '')
    .toLowerCase();

function noSamples(names: readonly string[], place: string): NeonarrowError {
  return reject({
    code: 'npz-arrays',
    message: `No array is named x, images or data; there is ${names.length === 0 ? 'none' : names.join(', ')}.`,
    place,
    hint: 'Write it with numpy.savez_compressed(file, x=…, y=…).',
  });
}

function noInput(input: string, names: readonly string[], place: string): NeonarrowError {
  return reject({
    code: 'npz-arrays',
    message: `No array is named "${input}", as the input is; there is ${names.length === 0 ? 'none' : names.join(', ')}.`,
    place,
    hint: `Write one array an input: numpy.savez_compressed(file, **{"${input}": …, …}), and labels as y.`,
  });
}

function noBatch(shape: readonly number[], input: InputSpec, place: string): NeonarrowError {
  return reject({
    code: 'data-shape',
    message: `The data is ${formatShape(shape)}, but the model takes ${formatShape(input.shape.slice(1))} a sample.`,
    place,
    hint: 'The first dimension counts the samples: x[None] makes an array of one.',
  });
}
