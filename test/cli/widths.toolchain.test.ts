import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { must } from '../../src/core/must.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { allToolchains, verifyBundle } from '../../src/verify/verify.ts';
import { neonarrow, objectOf, ownFolder } from './command-line.ts';

/** Every accumulator goes the whole road: proven, compiled, and the program's bytes are the reference's. */

const example = join(import.meta.dirname, '../../examples/digits');

const folder = ownFolder();

interface Layer {
  readonly accBits: number;
  readonly proven: boolean;
}

/** Quantizes, compiles and verifies with one compiler. Returns the layers as the quantizer reports them. */
async function road(name: string, ...words: string[]): Promise<{ layers: Layer[]; top1: number }> {
  const [network, dir] = [join(folder, `${name}.onnx`), join(folder, name)];
  const data = ['--calibrate', join(example, 'calibration.npz'), '--evaluate', join(example, 'evaluation.npz')];
  const quantized = await neonarrow(
    'quantize',
    join(example, 'digits.onnx'),
    ...data,
    ...words,
    '-o',
    network,
    '--json',
  );
  expect(quantized.exitCode, quantized.stderr).toBe(0);
  const compiled = await neonarrow('compile', network, ...data.slice(0, 2), '--out', dir, '--json');
  expect(compiled.exitCode, compiled.stderr).toBe(0);
  const [gcc] = await allToolchains(armv8a);
  const toolchains = [{ ...must(gcc, 'a toolchain'), runners: gcc!.runners.slice(0, 1) }];
  const result = await verifyBundle(dir, { toolchains, budget: 2e7 });
  expect(result).toMatchObject({ verified: true, mismatches: 0 });
  expect(result.vectors).toBeGreaterThan(4);
  return objectOf(quantized) as unknown as { layers: Layer[]; top1: number };
}

describe('quantize, compile, verify', () => {
  test.each([8, 9, 10, 11, 12, 13, 14, 15, 16])('with accumulators of %i bits', async (bits) => {
    const { layers, top1 } = await road(`proven${bits}`, '--acc-bits', String(bits));
    // In NEON's 8-bit lanes, the first layer keeps 16 bits.
    expect(layers.map((l) => [l.proven, l.accBits])).toEqual(
      layers.map((_, i) => [true, bits === 8 && i === 0 ? 16 : bits]),
    );
    expect(top1).toBeGreaterThan(bits < 10 ? 0.8 : 0.95);
  });

  test.each([
    ['lanes', '16', 'auto', '8'],
    ['scalar', '11', '1', 'auto'],
  ])('with accumulators that are only calibrated: %s of %s bits', async (name, accBits, lanes, bits) => {
    const words =
      `--acc-bits ${accBits} --lanes ${lanes} --bits ${bits} --mode calibrated --segments 1 --guard 1.5`.split(' ');
    const { layers, top1 } = await road(name, ...words);
    expect(layers.some((l) => !l.proven)).toBe(true);
    expect(top1).toBeGreaterThan(0.95);
  });
});
