import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { npy } from '../data/helpers.ts';
import { ownRefusals } from './refusals.ts';

const { folder, tiny, out, refuses, buildOf, nothingIsLeft } = ownRefusals();

describe('calibration data', () => {
  test('that nobody names', async () => {
    expect(await refuses(2, 'build', tiny.model, '--out', out)).toBe(`\
error[no-data]: no data is named
  at --calibrate
  hint: Name samples like those that the network will see, e.g. --calibrate cifar10:data_batch_1.bin.`);
  });

  test('that is missing', async () => {
    expect(await buildOf(tiny.model, join(folder, 'none.npy'))).toMatch(
      /^error\[data-not-found\]: There is no such data file or folder\.\n {2}at none\.npy\n {2}hint: Check the path\./,
    );
  });

  test('of the wrong shape', async () => {
    const path = join(folder, 'wide.npy');
    await writeFile(path, npy('|u1', [3, 9, 8, 1], new Uint8Array(216)));
    const message = await buildOf(tiny.model, path);
    expect(message).toMatch(/^error\[data-shape\]: .*9×8×1/);
    expect(message).toMatch(/8×8×1.*\n {2}at wide\.npy|\n {2}at wide\.npy\n {2}hint: .*8×8/s);
  });

  test('that is empty', async () => {
    const path = join(folder, 'nothing.npy');
    await writeFile(path, npy('|u1', [0, 8, 8, 1], new Uint8Array()));
    expect(await buildOf(tiny.model, path)).toBe(`\
error[no-samples]: The data holds no samples.
  at nothing.npy
  hint: Give at least one sample; a few hundred make a good calibration.`);
    expect(await buildOf(tiny.model, join(folder, 'empty'))).toMatch(
      /^error\[data-empty\]: .*\n {2}at empty\n {2}hint: /,
    );
  });

  test('without labels, where accuracy is asked for: before any work', async () => {
    const message = await refuses(2, 'build', tiny.model, '--calibrate', tiny.pixels, '--evaluate', tiny.pixels);
    expect(message).toMatch(
      /^error\[data-without-labels\]: Accuracy needs labels, and this data has none\.\n {2}at pixels\.npy: 24 samples/,
    );
  });
});

test('nothing is left behind after all these', nothingIsLeft);
