import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type Dataset, requireLabels } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.ts';
import { findRecipe } from '../../src/data/recipe.ts';
import { nchw, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const example = join(import.meta.dirname, '../../examples/digits');

async function accuracy(dataset: Dataset): Promise<number> {
  const session = await InferenceSession.create(join(example, 'digits.onnx'));
  const images = new Tensor('float32', dataset.batch(0, dataset.count), [dataset.count, 1, 28, 28]);
  const logits = (await session.run({ input: images }))['logits']?.data as Float32Array;
  const right = requireLabels(dataset).filter((label, i) => {
    const outputs = logits.subarray(i * 10, (i + 1) * 10);
    return outputs.indexOf(Math.max(...outputs)) === label;
  });
  return right.length / dataset.count;
}

describe('examples/digits', () => {
  it.each([
    ['calibrate', 'calibration.npz', 0.996],
    ['evaluate', 'evaluation.npz', 0.986],
  ] as const)('has samples to %s', async (key, name, expected) => {
    const recipe = await findRecipe(join(example, 'digits.onnx'));
    const dataset = await loadDataset(recipe[key] ?? '', nchw(1, 28, 28), recipe, { classes: 10 });
    expect(dataset.describe).toBe(`${name}: 500 labelled samples of 28×28×1 pixels`);
    expect(await accuracy(dataset)).toBe(expected);
  });

  it('has samples that make-samples.mjs writes, byte for byte', () => {
    execFileSync(process.execPath, [join(example, 'make-samples.mjs'), folder]);
    for (const name of ['calibration.npz', 'evaluation.npz']) {
      expect(readFileSync(join(folder, name)).equals(readFileSync(join(example, name)))).toBe(true);
    }
  });
});
