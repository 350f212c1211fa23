import { basename } from 'node:path';
import { invariant, reject } from '../core/diagnostics.ts';
import { exhaustive } from '../core/exhaustive.ts';
import { readNpySamples, readNpzSamples } from './arrays.ts';
import { chooseSamples } from './choose.ts';
import { readCifar10 } from './cifar10.ts';
import type { Dataset } from './dataset.ts';
import { listImageFolder } from './image-folder.ts';
import { listImageFile } from './image-list.ts';
import { readImages } from './images.ts';
import { formatShape, type InputSpec, imageSize, sampleSize } from './input.ts';
import { pixelTable } from './preprocess.ts';
import { randomSamples } from './random-samples.ts';
import { readRawSamples } from './raw.ts';
import { checkRecipe, type Recipe } from './recipe.ts';
import { copySample, reorder } from './reorder.ts';
import type { Samples } from './samples.ts';
import { type DataSource, parseDataSpec } from './spec.ts';

export interface LoadOptions {
  /** Take at most this many samples, chosen at random by the seed. */
  readonly samples?: number | undefined;
  /** For `samples` and `random:N`; 1 where absent. */
  readonly seed?: number | undefined;
  /** How many classes the model has, where it is a classifier: labels are checked against it. */
  readonly classes?: number | undefined;
  /** Which of several inputs this is, from 0; absent where there is one. */
  readonly index?: number | undefined;
}

/**
 * Reads the data that `spec` names (see `parseDataSpec`) for a model with that input.
 *
 * @throws reject: everything wrong with the spec, the files, the recipe or how they fit together
 */
export async function loadDataset(
  spec: string,
  input: InputSpec,
  recipe: Recipe = {},
  options: LoadOptions = {},
): Promise<Dataset> {
  const source = parseDataSpec(spec);
  const { samples: limit, seed = 1 } = options;
  checkCount('--samples', limit, 1);
  checkCount('--seed', seed, 0);
  checkRecipe(recipe, input, options.classes);
  const samples = await readSamples(source, input, recipe, options, seed);
  if (samples.count === 0) {
    const hint = 'Give at least one sample; a few hundred make a good calibration.';
    throw reject({ code: 'no-samples', message: 'The data holds no samples.', place: samples.place, hint });
  }
  checkLabels(samples, recipe.labels?.length ?? options.classes);
  const chosen = chooseSamples(samples.count, limit, seed);
  checkFinite(samples, chosen);
  return toDataset(samples, chosen, input, recipe);
}

// Other random values for each input, the same where an input stands alone.
const RANDOM_STRIDE = 1_000_003;

function readSamples(source: DataSource, input: InputSpec, recipe: Recipe, options: LoadOptions, seed: number) {
  switch (source.kind) {
    case 'cifar10':
      return readCifar10(source.path, input);
    case 'npy':
      return readNpySamples(source.path, input, recipe);
    case 'npz':
      return readNpzSamples(source.path, input, recipe, options.index !== undefined);
    case 'raw':
      return readRawSamples(source.path, source.element, input, recipe);
    case 'random':
      return randomSamples(source.count, seed + RANDOM_STRIDE * (options.index ?? 0), input, recipe);
    case 'folder':
    case 'list':
      return readPictures(source, input, recipe, options, seed);
    default:
      return exhaustive(source);
  }
}

async function readPictures(
  { kind, path }: Extract<DataSource, { kind: 'folder' | 'list' }>,
  input: InputSpec,
  recipe: Recipe,
  options: LoadOptions,
  seed: number,
): Promise<Samples> {
  const known = { classNames: recipe.labels, classes: options.classes };
  const pictures = await (kind === 'folder' ? listImageFolder : listImageFile)(path, known);
  return readImages(pictures, input, recipe, {
    place: path,
    choose: (count) => chooseSamples(count, options.samples, seed),
  });
}

function toDataset(samples: Samples, chosen: readonly number[], input: InputSpec, recipe: Recipe): Dataset {
  const size = sampleSize(input);
  const table = samples.kind === 'pixels' ? pixelTable(recipe, input, samples.place) : undefined;
  const toModel = reorder(input, samples.order, 'model');
  const toPixels = reorder(input, samples.order, imageSize(input) === undefined ? 'model' : 'HWC');
  const at = (i: number) => {
    const index = chosen[i];
    if (index === undefined) throw invariant(`sample ${i} of ${chosen.length}`, samples.place);
    return index;
  };
  const { labels } = samples;
  return {
    count: chosen.length,
    sampleSize: size,
    describe: describe(samples, chosen.length, input),
    ...(labels === undefined ? {} : { labels: Int32Array.from(chosen, (i) => labels[i] ?? 0) }),
    batch(from, to) {
      const values = new Float32Array((to - from) * size);
      for (let i = from; i < to; i++) copySample(toModel, samples.sample(at(i)), values, (i - from) * size, table);
      return values;
    },
    ...(samples.kind === 'reals'
      ? {}
      : {
          pixels(i: number) {
            const pixels = new Uint8Array(size);
            copySample(toPixels, samples.sample(at(i)), pixels, 0);
            return pixels;
          },
        }),
  };
}

function describe(samples: Samples, count: number, input: InputSpec): string {
  const image = imageSize(input);
  const shape = image === undefined ? input.shape.slice(1) : [image.height, image.width, image.channels];
  const of = count === samples.count ? `${count}` : `${count} of ${samples.count}`;
  const labelled = samples.labels === undefined ? '' : 'labelled ';
  const unit = samples.kind === 'pixels' ? 'pixels' : 'values';
  return `${basename(samples.place)}: ${of} ${labelled}samples of ${formatShape(shape)} ${unit}`;
}

function checkCount(flag: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value < 2 ** 32)) return;
  const hint = `Give a whole number, at least ${least}.`;
  throw reject({ code: 'bad-flag', message: `${value} is not valid.`, place: flag, hint });
}

function checkLabels({ labels, place }: Samples, classes = Number.POSITIVE_INFINITY): void {
  const index = labels?.findIndex((label) => label < 0 || label >= classes) ?? -1;
  if (index < 0) return;
  const allowed = Number.isFinite(classes) ? `has classes 0 to ${classes - 1}` : 'counts classes from 0';
  throw reject({
    code: 'label-range',
    message: `Sample ${index} has label ${labels?.[index]}, but the model ${allowed}.`,
    place,
    hint: 'Check that the data belongs to this model, and that its labels start at 0.',
  });
}

function checkFinite(samples: Samples, chosen: readonly number[]): void {
  if (samples.kind === 'pixels' || samples.place.startsWith('random:')) return;
  for (const index of chosen) {
    const sample = samples.sample(index);
    if (sample instanceof Int8Array || sample.every((value) => Number.isFinite(Math.fround(value)))) continue;
    throw reject({
      code: 'data-not-finite',
      message: `Sample ${index} holds NaN, infinity or a value beyond float32.`,
      place: samples.place,
      hint: 'Look for a division by zero in the preprocessing that wrote it.',
    });
  }
}
