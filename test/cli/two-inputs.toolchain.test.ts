import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { twoInputs } from '../../bench/networks/sequence.ts';
import { createRandom } from '../../src/core/random.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { npy } from '../data/helpers.ts';
import { neonarrow, objectOf, ownFolder } from './command-line.ts';

/** A network with two inputs, one of them channels last, and two outputs, from its file to what the C gives. */

const folder = ownFolder();

test('two inputs and two outputs, from the command line to QEMU', async () => {
  const [model, data, out] = ['two.onnx', 'data.npz', 'two'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(model, encodeModel(twoInputs({ width: 0.5, size: 8 })));
  const random = createRandom(1);
  const reals = (length: number) => Float32Array.from({ length }, () => random.normal());
  const labels = Uint8Array.from({ length: 12 }, () => random.int(0, 5));
  const arrays = {
    'image.npy': npy('<f4', [12, 8, 8, 3], reals(12 * 192)),
    'sensors.npy': npy('<f4', [12, 12], reals(144)),
    'y.npy': npy('|u1', [12], labels),
  };
  await writeFile(data, zipSync(arrays));

  const words = ['build', model, '--calibrate', data, '--evaluate', data, '--out', out, '--json'];
  expect(objectOf(await neonarrow(...words))).toMatchObject({ verified: true, mismatches: 0, samples: 12 });
  const header = await readFile(join(out, 'include', 'two.h'), 'utf8');
  expect(header.replaceAll(/\s+/g, ' ')).toContain(
    'int two_run(const int8_t *TWO_RESTRICT input0, const int8_t *TWO_RESTRICT input1, int8_t *TWO_RESTRICT output0, int8_t *TWO_RESTRICT output1, void *TWO_RESTRICT arena);',
  );
  // The image stays as it comes: no transposition in front of the first layer.
  expect(header).toContain('"image", 1x8x8x3');
  expect(header).not.toContain('"image", 1x8x8x3 (');
});
