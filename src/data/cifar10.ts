import { reject } from '../core/diagnostics.ts';
import { readDataFile } from './files.ts';
import { formatShape, type InputSpec, imageSize } from './input.ts';
import type { Samples } from './samples.ts';

const PIXELS = 3 * 32 * 32;
const RECORD = 1 + PIXELS;

/**
 * CIFAR-10's binary version (cs.toronto.edu/~kriz/cifar.html): records of a label byte and 3 planes (red, green, blue) of
 * 32×32 pixels.
 *
 * @throws reject `data-shape` for a model that takes something else, `truncated-record`
 */
export async function readCifar10(path: string, input: InputSpec): Promise<Samples> {
  const image = imageSize(input);
  if (image?.channels !== 3 || image.height !== 32 || image.width !== 32) {
    throw reject({
      code: 'data-shape',
      message: `CIFAR-10 is 32×32 pixels of 3 channels, but the model takes ${formatShape(input.shape.slice(1))} a sample.`,
      place: path,
      hint: 'Use data of the size that the model takes, e.g. a folder of images, which is resized.',
    });
  }
  const bytes = await readDataFile(path);
  const count = Math.floor(bytes.length / RECORD);
  if (count * RECORD !== bytes.length) throw truncated(bytes.length, count, path);
  return {
    kind: 'pixels',
    order: 'CHW',
    count,
    labels: Int32Array.from({ length: count }, (_, i) => bytes[i * RECORD] ?? 0),
    sample: (i) => bytes.subarray(i * RECORD + 1, (i + 1) * RECORD),
    place: path,
  };
}

function truncated(length: number, count: number, place: string) {
  return reject({
    code: 'truncated-record',
    message: `The file's ${length} bytes are ${count} CIFAR-10 records of ${RECORD} bytes and ${length - count * RECORD} bytes more.`,
    place,
    hint: 'Download it again: data_batch_1.bin … test_batch.bin of the “binary version” have 30730000 bytes each.',
  });
}
