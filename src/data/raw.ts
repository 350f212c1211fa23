import { reject } from '../core/diagnostics.ts';
import { readDataFile } from './files.ts';
import { formatShape, type InputSpec, imageSize, sampleSize } from './input.ts';
import type { Recipe } from './recipe.ts';
import { type Samples, samplesIn } from './samples.ts';

const TYPES = { f32: Float32Array, i8: Int8Array, u8: Uint8Array } as const;

/**
 * Samples one after the other, without a header, little-endian. `u8` is pixels, HWC unless the recipe's layout says CHW,
 * which is the firmware's own input format; `f32` and `i8` are real inputs in the model's own order, taken as they are.
 *
 * @throws reject `truncated-record` when the file is not a whole number of samples
 */
export async function readRawSamples(
  path: string,
  element: keyof typeof TYPES,
  input: InputSpec,
  recipe: Recipe,
): Promise<Samples> {
  const bytes = await readDataFile(path);
  const size = sampleSize(input);
  const sampleBytes = size * TYPES[element].BYTES_PER_ELEMENT;
  const count = Math.floor(bytes.length / sampleBytes);
  if (count * sampleBytes !== bytes.length) {
    const shape = formatShape(input.shape.slice(1));
    throw reject({
      code: 'truncated-record',
      message: `The file's ${bytes.length} bytes are no whole number of samples: ${shape} of ${element} is ${sampleBytes} bytes.`,
      place: path,
      hint: 'Write whole samples one after the other, without a header.',
    });
  }
  const pixelOrder = imageSize(input) === undefined ? 'model' : (recipe.layout ?? 'HWC');
  const order = element === 'u8' ? pixelOrder : 'model';
  const data = new TYPES[element](bytes.buffer as ArrayBuffer, bytes.byteOffset, count * size);
  return samplesIn(data, size, { count, order, place: path });
}
