import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { neonarrow, objectOf, ownFolder } from './command-line.ts';

/** The worked example of networks that were trained for their accumulators: what its README says is so. */

const example = join(import.meta.dirname, '../../examples/digits-a2q');
const evaluation = join(example, '../digits/evaluation.npz');

const folder = ownFolder();
let readme: string;
beforeAll(async () => {
  readme = await readFile(join(example, 'README.md'), 'utf8');
});

describe.each([
  [16, 15],
  [12, 11],
])('digits-a2q-%ibit.onnx', (trained, proven) => {
  const model = join(example, `digits-a2q-${trained}bit.onnx`);

  test('is proven in one scalar accumulator of the bits that it was trained for', async () => {
    const seen = objectOf(await neonarrow('inspect', model, '--json'));
    expect(seen).toMatchObject({ quantized: true, scalarBits: proven });
    const layers = seen['layers'] as { proven: boolean; segments: number; scalarBits: number }[];
    expect(layers).toHaveLength(4);
    for (const layer of layers) expect(layer).toMatchObject({ proven: true, segments: 1 });
    expect(Math.max(...layers.map((layer) => layer.scalarBits))).toBeLessThanOrEqual(trained);
    const { stdout } = await neonarrow('inspect', model);
    expect(stdout).toContain(
      `one scalar accumulator of ${proven} bits holds every sum of every layer, and so does one of`,
    );
    if (trained === 12) expect(readme).toContain(stdout.slice(stdout.indexOf('layer ')).trimEnd());
  });

  test('is as accurate as the README says, and agrees with ONNX Runtime as it says', async () => {
    const { floatTop1, top1 } = objectOf(await neonarrow('evaluate', model, '--json')) as Record<string, number>;
    const compared = objectOf(await neonarrow('evaluate', model, '--agreement', evaluation, '--json'));
    const { differing, maxSteps } = compared['agreement'] as Record<string, number>;
    expect(maxSteps).toBe(0);
    const row = [`${trained} bits`, `${proven} bits`, `${floatTop1! * 500} / ${top1! * 500}`];
    expect(readme).toContain(`| \`digits-a2q-${trained}bit.onnx\` | ${row.join(' | ')} | ${differing} of 5,000 scores`);
  });

  test('compiles and verifies', async () => {
    const out = join(folder, String(trained));
    const compiled = objectOf(await neonarrow('compile', model, '--out', out, '--json'));
    expect(compiled).toMatchObject({ scalarBits: proven, agreement: { samples: 500 } });
    expect(objectOf(await neonarrow('verify', out, '--json'))).toMatchObject({ verified: true, mismatches: 0 });
  });
});
