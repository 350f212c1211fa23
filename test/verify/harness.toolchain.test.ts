import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileProgram } from '../../src/build/compile.ts';
import { type Runner, type RunResult, runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { type Toolchain, verifyToolchains } from '../../src/build/toolchains.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import { renderHarness } from '../../src/verify/harness.ts';
import { stepsFingerprint, testSteps } from '../../src/verify/steps.ts';
import { encodeVectors, type VectorRecord } from '../../src/verify/vector-file.ts';
import { tinyProgram } from './tiny/program.ts';

const program = tinyProgram();
const fingerprint = stepsFingerprint(testSteps(program.graph, program.plan));
const input = Int8Array.from({ length: 12 }, (_, i) => 35 + i);
const decremented = input.map((v) => v - 1);
const network: VectorRecord = {
  kind: 'network',
  inputs: [input],
  steps: [input, decremented, decremented],
  outputs: [decremented],
};
const single: VectorRecord = { kind: 'step', step: 1, inputs: [input], output: decremented };
const good = encodeVectors(fingerprint, [network, { ...network, kind: 'checksums' }, single]);

interface Built {
  readonly program: string;
  readonly runner: Runner;
}

/** Compiles the tiny program with its harness; `bug` names one of the macros of tiny.c. */
async function build(dir: string, toolchain: Toolchain, bug?: string): Promise<Built> {
  const { compiler, optimization, sanitize, runners } = toolchain;
  const source = fileURLToPath(new URL('tiny/', import.meta.url));
  for (const folder of ['src', 'test']) await mkdir(join(dir, folder), { recursive: true });
  await writeFile(join(dir, 'src', 'tiny.c'), await readFile(join(source, 'tiny.c')));
  const harness = join(dir, 'test', 'tiny_harness.c');
  await writeFile(harness, renderHarness(program));
  const path = await compileProgram(
    {
      compiler,
      optimization,
      sanitize,
      sources: [harness],
      outDir: dir,
      includeDirs: [source],
      ...(bug === undefined ? {} : { defines: { [bug]: true } }),
    },
    'tiny',
  );
  return { program: path, runner: runners[0]! };
}

async function run(dir: string, built: Built, vectors: Uint8Array): Promise<RunResult & { readonly text: string }> {
  const path = join(dir, 'vectors.bin');
  await writeFile(path, vectors);
  const result = await runProgram({ ...built, args: [path] });
  return { ...result, text: new TextDecoder().decode(result.stdout) };
}

let host: Toolchain;
let cross: readonly Toolchain[];

beforeAll(async () => {
  host = (await verifyToolchains(portable))[0]!;
  cross = await verifyToolchains(armv8a);
});

describe('a right program passes', () => {
  test('on the host, under sanitizers', () =>
    withTempDir(async (dir) => {
      const { exitCode, text } = await run(dir, await build(dir, host), good);
      expect(text).toBe(`vectors 3 bytes ${36 + 36 + 12} mismatches 0\n`);
      expect(exitCode).toBe(0);
    }));

  test('under QEMU, with each compiler', async () => {
    for (const toolchain of cross.filter((t) => t.optimization === '-O2')) {
      await withTempDir(async (dir) => {
        expect((await run(dir, await build(dir, toolchain), good)).text).toMatch(/^vectors 3 .* mismatches 0\n$/);
      });
    }
  });
});

describe('a wrong program is caught', () => {
  const expected: Readonly<Record<string, string>> = {
    BUG_VALUE: 'mismatch vector 0 layer "decrement "it"" (step 1) index 7 expected 41 actual 42',
    BUG_OUTSIDE: 'mismatch vector 2 layer "decrement "it"" (step 1) wrote outside its output, at byte 108 of the arena',
    BUG_STALE: 'mismatch vector 0 layer "decrement "it"" (step 1) index 0 expected 34 actual 35',
    BUG_UNDERRUN: 'mismatch vector 0 1 bytes outside the arena were written',
    BUG_RETURN: 'mismatch vector 0 tiny_run returned -1',
  };
  test.each(Object.entries(expected))('%s', (bug, line) =>
    withTempDir(async (dir) => {
      const { exitCode, text } = await run(dir, await build(dir, cross[0]!, bug), good);
      expect(text.split('\n')[0]).toBe(line);
      expect(text).toMatch(/^vectors 3 bytes \d+ mismatches [1-9]\d*$/m);
      expect(exitCode).toBe(1);
    }),
  );

  test('by its checksums alone', () =>
    withTempDir(async (dir) => {
      const built = await build(dir, host, 'BUG_VALUE');
      const { text } = await run(dir, built, encodeVectors(fingerprint, [{ ...network, kind: 'checksums' }]));
      expect(text).toMatch(/^mismatch vector 0 layer .* \(step 1\) checksum expected [0-9a-f]{8} actual [0-9a-f]{8}$/m);
    }));

  test('when it reads past the arena: QEMU stops at the page behind it, the host says where', () =>
    withTempDir(async (dir) => {
      const crossed = await build(dir, cross[0]!, 'BUG_OVERREAD');
      await expect(run(dir, crossed, good)).rejects.toMatchObject({ code: 'emulator-crashed' });
      const native = await build(dir, host, 'BUG_OVERREAD');
      await expect(run(dir, native, good)).rejects.toMatchObject({ code: 'sanitizer-report' });
    }));

  test('when it does not announce a step', () =>
    withTempDir(async (dir) => {
      const { exitCode, stderr } = await run(dir, await build(dir, host, 'BUG_SILENT'), good);
      expect(stderr).toContain('did not announce all of its steps');
      expect(exitCode).toBe(2);
    }));
});

test('a file that does not fit ends with its reason and code 2', () =>
  withTempDir(async (dir) => {
    const built = await build(dir, host);
    const changed = (at: number, value: number): Uint8Array => good.with(at, value);
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [good.subarray(0, 10), 'malformed vectors: the file ends too early'],
      [good.subarray(0, good.length - 1), 'malformed vectors: the file ends too early'],
      [changed(0, 0), 'malformed vectors: not a file of this version'],
      [changed(8, 9), 'malformed vectors: not a file of this version'],
      [encodeVectors(1, [network]), 'these vectors were made for another program'],
      [changed(16, 7), 'malformed vectors: unknown kind of record'],
      [changed(24, 1), 'malformed vectors: wrong length of a record'],
      [changed(good.length - 1, good.at(-1)! ^ 1), 'malformed vectors: wrong checksum'],
      [changed(good.length - 12, 2), 'malformed vectors: wrong number of records'],
      [Uint8Array.of(...good, 0), 'malformed vectors: something follows the end'],
      [encodeVectors(fingerprint, [{ ...single, step: 0 }]), 'malformed vectors: no such step'],
      [encodeVectors(fingerprint, [{ ...single, step: 99 }]), 'malformed vectors: no such step'],
    ];
    for (const [bytes, reason] of cases) {
      const { exitCode, stderr } = await run(dir, built, bytes);
      expect(stderr.trim().endsWith(reason), `${stderr} for ${reason}`).toBe(true);
      expect(exitCode).toBe(2);
    }
    const { exitCode, stderr } = await runProgram({ ...built, args: ['/nowhere/vectors.bin'] });
    expect([exitCode, stderr]).toEqual([2, '/nowhere/vectors.bin: cannot be opened\n']);
  }));

test('repeats of the network and of a step run', () =>
  withTempDir(async (dir) => {
    const built = await build(dir, host);
    for (const args of [
      ['--repeat', '2'],
      ['--repeat-step', '1', '2'],
    ]) {
      expect((await runProgram({ ...built, args })).exitCode).toBe(0);
    }
    expect((await runProgram({ ...built, args: ['--repeat-step', '3', '1'] })).exitCode).toBe(2);
    expect((await runProgram({ ...built, args: [] })).stderr).toContain('usage:');
  }));
