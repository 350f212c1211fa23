import { mkdir, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { must } from '../../src/core/must.ts';
import { loadDataset } from '../../src/data/load.ts';
import type { Recipe } from '../../src/data/recipe.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { createSession } from '../../src/onnx/session.ts';
import { alexNet } from '../networks/classic.ts';
import type { NetworkOptions } from '../networks/network.ts';
import { randomPicture } from './pictures.ts';

/** What is written, in files named and laid out as those of ILSVRC2012. */
export interface Counts {
  /** Pictures in `train`, one folder a class. */
  readonly train: number;
  /** Pictures in `val`, with a list of their classes, `val.txt`. */
  readonly val: number;
}

/** As for Caffe's AlexNet: colours blue first, of which the means of ILSVRC2012 are taken. */
const recipe: Recipe = {
  resize: 256,
  channels: 'BGR',
  pixelScale: 1,
  mean: [103.939, 116.779, 123.68],
  std: [58, 57, 58],
  labelsFile: 'synsets.txt',
};

const classes = 1000;
const seed = 2012;

/**
 * AlexNet with seeded weights, its recipe, and generated pictures. Their class is the one that this network says, so that
 * accuracy means agreement with float: nothing here has been trained.
 */
export async function writeIlsvrc(folder: string, counts: Counts, options: NetworkOptions = {}): Promise<void> {
  const model = join(folder, 'alexnet.onnx');
  const names = Array.from({ length: classes }, (_, i) => synset(i));
  await mkdir(join(folder, 'val'), { recursive: true });
  await writeFile(model, encodeModel(alexNet(options)));
  await writeFile(join(folder, 'alexnet.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  await writeFile(join(folder, 'synsets.txt'), `${names.join('\n')}\n`);

  const unsorted = join(folder, 'unsorted');
  const labels = await classify(model, await writePictures(unsorted, counts.train + counts.val), options.size ?? 227);
  const list: string[] = [];
  for (const [i, { file, label }] of labels.entries()) {
    if (i < counts.val) list.push(`${file} ${label}`);
    const place =
      i < counts.val ? join(folder, 'val') : join(folder, 'train', must(names[label], 'class').split(' ')[0]!);
    await mkdir(place, { recursive: true });
    await rename(join(unsorted, file), join(place, file));
  }
  await writeFile(join(folder, 'val', 'val.txt'), `${list.join('\n')}\n`);
  await rmdir(unsorted);
}

/** Not WordNet's numbers, but of their form. */
const synset = (index: number): string => `n${String(index + 1).padStart(8, '0')} class ${index}`;

async function writePictures(folder: string, count: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    await writeFile(join(folder, `${String(i + 1).padStart(8, '0')}.JPEG`), await randomPicture(seed, i));
  }
  return folder;
}

/** The class of each picture of a folder, in the order of their names, as the float network says. */
async function classify(model: string, folder: string, size: number): Promise<{ file: string; label: number }[]> {
  const files = (await readdir(folder)).sort();
  const shape = [1, 3, size, size];
  const { labelsFile: _, ...preprocessing } = recipe;
  const data = await loadDataset(folder, { shape, layout: 'NCHW' }, preprocessing);
  const session = await createSession(model);
  try {
    const labels: { file: string; label: number }[] = [];
    for (const [i, file] of files.entries()) {
      const { scores } = await session.run({ image: new Tensor('float32', data.batch(i, i + 1), shape) });
      const values = scores?.data as Float32Array;
      labels.push({ file, label: values.indexOf(Math.max(...values)) });
    }
    return labels;
  } finally {
    await session.release();
  }
}
