import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { expectFaithful, kinds } from './model-helper.ts';

describe('the examples', () => {
  it.each(['examples/digits/digits.onnx', 'examples/all-cnn-c/all-cnn-c.onnx'])('%s', async (path) => {
    const { optimized } = await expectFaithful(await readFile(path));
    const middle = new Set(kinds(optimized));
    for (const kind of ['transpose', 'affine', 'pad', 'unary']) expect(middle).not.toContain(kind);
  });
});
