import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownRefusals } from './refusals.ts';

const { folder, tiny, refuses, nothingIsLeft } = ownRefusals();

describe('an output that cannot be written is refused before any work', () => {
  /** Below a regular file: refused even to root. */
  const below = (name: string): string => join(tiny.model, name);

  test('the bundle’s folder', async () => {
    const expected = `\
error[unwritable-output]: the folder cannot be written: ENOTDIR: not a directory, stat '${below('bundle')}'`;
    const words = ['build', tiny.model, '--calibrate', tiny.pixels, '--out', below('bundle')];
    expect(await refuses(2, ...words)).toBe(`${expected.replace(`${folder}/`, '')}
  at tiny.onnx/bundle
  hint: Name a folder that you may write to, on a disk with room, with --out.`);
  });

  test('a folder that holds something else', async () => {
    const message = await refuses(2, 'build', tiny.model, '--calibrate', tiny.pixels, '--out', folder);
    expect(message).toMatch(/^error\[not-a-bundle\]: the folder is not overwritten, because it has no manifest\.json/);
  });

  test('the quantized network', async () => {
    const words = ['quantize', tiny.model, '--calibrate', tiny.pixels, '-o', below('q.onnx')];
    expect(await refuses(2, ...words)).toMatch(
      /^error\[unwritable-output\]: the file cannot be written: .*\n {2}at tiny\.onnx\/q\.onnx\n {2}hint: Name a place/,
    );
    expect(await refuses(2, ...words.slice(0, -1), join(folder, 'empty'))).toContain('it is a folder');
  });

  test('one that is the float network itself', async () => {
    const before = await readFile(tiny.model);
    const message = await refuses(2, 'quantize', tiny.model, '--calibrate', tiny.pixels, '-o', tiny.model);
    expect(message).toMatch(
      /^error\[output-is-input\]: the quantized network would replace the float one\n {2}at tiny/,
    );
    expect(await readFile(tiny.model)).toEqual(before);
  });
});

test('nothing is left behind after all these', nothingIsLeft);
