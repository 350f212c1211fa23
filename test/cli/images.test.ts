import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { writeIlsvrc } from '../../bench/ilsvrc/write.ts';
import { neonarrow, objectOf, ownFolder } from './command-line.ts';

/** The command lines of docs/search.md, "AlexNet on ILSVRC2012", on a small AlexNet and generated pictures. */

const folder = ownFolder();
beforeAll(async () => {
  await writeIlsvrc(folder, { train: 12, val: 8 }, { width: 1 / 32, size: 67 });
});

const model = () => join(folder, 'alexnet.onnx');
const data = () => ['--calibrate', join(folder, 'train'), '--evaluate', join(folder, 'val', 'val.txt')];

async function run(...words: string[]): Promise<Record<string, unknown>> {
  const seen = await neonarrow(...words, '--json', '--quiet');
  expect(seen.exitCode, seen.stderr).toBe(0);
  return objectOf(seen);
}

test('sweep reads a folder of synsets and a list of validation images', async () => {
  const out = join(folder, 'sweep');
  const words = ['--acc-bits', '16,24', '--lanes', '1', '--images', '6', '--out', out, '--no-cache'];
  const json = await run('sweep', model(), ...data(), ...words);
  // Their class is the one that the float network gives.
  expect(json).toMatchObject({ samples: 6, floatTop1: 1 });
  const points = json['points'] as { bits: number; top1: number }[];
  expect(points.map((p) => p.bits)).toEqual([16, 24]);
  expect(points[1]!.top1).toBeGreaterThan(0.5);
});

test('the quantized file carries names from a file and the preprocessing of images', async () => {
  const file = join(folder, 'q.onnx');
  const words = ['--labels', join(folder, 'synsets.txt'), '-o', file];
  const { top1, floatTop1 } = await run('quantize', model(), ...data(), ...words);
  expect(floatTop1).toBe(1);
  expect(await run('evaluate', file, '--evaluate', join(folder, 'val', 'val.txt'))).toMatchObject({ top1, samples: 8 });
});
