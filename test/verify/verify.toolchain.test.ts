import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { type Toolchain, verifyToolchains } from '../../src/build/toolchains.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import { goldenPath } from '../../src/verify/golden.ts';
import { loadBundle, networkPath } from '../../src/verify/load.ts';
import type { VerifiedProgram } from '../../src/verify/program.ts';
import { buildHarness, findSources } from '../../src/verify/programs.ts';
import type { VerifyResult } from '../../src/verify/result.ts';
import { verifyBundle, verifyProgram } from '../../src/verify/verify.ts';
import { writeTestBundle } from './bundle.ts';
import { overflowingNetwork, smallNetwork, smallSamples } from './network.ts';

/** One cross compiler, on one CPU model; and the host's. */
let cross: Toolchain;
let host: Toolchain;

beforeAll(async () => {
  const gcc = (await verifyToolchains(armv8a))[0]!;
  cross = { ...gcc, runners: gcc.runners.slice(0, 1) };
  host = (await verifyToolchains(portable))[0]!;
});

const verify = (dir: string, program: VerifiedProgram, ...toolchains: Toolchain[]): Promise<VerifyResult> =>
  verifyProgram(dir, program, { samples: smallSamples, toolchains });

/** Emits the small network, changes a file of it, and verifies. */
async function verifyChanged(path: string, change: (text: string) => string, toolchain = cross): Promise<VerifyResult> {
  return withTempDir(async (work) => {
    const dir = join(work, 'small');
    const program = await writeTestBundle(dir, smallNetwork(), smallSamples);
    const before = await readFile(join(dir, path), 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await writeFile(join(dir, path), after);
    return verify(dir, program, toolchain);
  });
}

describe('a right bundle', () => {
  test('is verified by every toolchain, from what its folder holds', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const graph = smallNetwork();
      const { prefix } = await writeTestBundle(dir, graph, smallSamples);
      await writeFile(join(dir, networkPath(prefix)), encodeModel(exportQdq(graph)));
      expect((await loadBundle(dir)).samples).toEqual(smallSamples);
      const result = await verifyBundle(dir);
      expect(result).toMatchObject({ verified: true, mismatches: 0 });
      expect(result.runs.map((run) => `${run.compiler.split(' ')[0]} ${run.opt} ${run.cpu}`)).toEqual([
        'gcc -O2 cortex-a53',
        'gcc -O2 max',
        'gcc -O3 cortex-a53',
        'gcc -O3 max',
        'clang -O2 cortex-a53',
        'clang -O2 max',
        'clang -O3 cortex-a53',
        'clang -O3 max',
        'gcc -O2 host',
      ]);
      expect(result.runs.every((run) => run.ok)).toBe(true);
      expect(result.coverage.map((c) => [c.layer, c.vectors === c.of])).toEqual([
        ['conv1', true],
        ['conv2', true],
        ['tanh', true],
      ]);
      expect(result.coverage[0]!.bounds).toEqual({ attained: 32, of: 32 });
    }));

  test('passes its golden vectors', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const { prefix } = await writeTestBundle(dir, smallNetwork(), smallSamples);
      const program = await buildHarness(await findSources(dir, prefix), host, join(work, 'out'));
      const args = [join(dir, goldenPath(prefix))];
      const { stdout, exitCode } = await runProgram({ runner: host.runners[0]!, program, args });
      expect(new TextDecoder().decode(stdout)).toMatch(/^vectors 3 bytes \d+ mismatches 0\n$/);
      expect(exitCode).toBe(0);
    }));
});

describe('a planted fault is caught, with the layer named', () => {
  /** Changes the packed weights of `conv2` in the text of the weights file. */
  const changeArray = (text: string, change: (weight: number) => number): string => {
    const body = text.indexOf('{', text.search(/int8_t \w+conv2\w*\[/));
    const stop = text.indexOf('}', body);
    const changed = text.slice(body, stop).replaceAll(/-?\b\d+\b/g, (number) => String(change(Number(number))));
    return text.slice(0, body) + changed + text.slice(stop);
  };

  /** One weight is one more. */
  const changeWeight = (text: string): string => {
    let changed = false;
    return changeArray(text, (w) => {
      if (changed || w === 0) return w;
      changed = true;
      return w + 1;
    });
  };

  test.each([
    ['NEON', () => cross],
    ['portable C', () => host],
  ] as const)('one byte of a weight, in %s', async (_name, toolchain) => {
    const result = await verifyChanged('src/small_weights.c', changeWeight, toolchain());
    expect(result.verified).toBe(false);
    expect(result.mismatches).toBeGreaterThan(0);
    expect(result.firstMismatch).toMatchObject({ layer: 'conv2', what: expect.stringMatching(/^sample /) });
    const { expected, actual } = result.firstMismatch!;
    expect(expected).not.toBe(actual);
  });

  test('another rounding, in NEON', async () => {
    const result = await verifyChanged('src/small.c', (text) =>
      text.replaceAll('vrshlq_s32(vqrdmulhq_s32', 'vshlq_s32(vqrdmulhq_s32'),
    );
    expect(result.runs.map((run) => run.ok)).toEqual([false]);
    expect(result.firstMismatch).toMatchObject({ layer: 'conv1', what: 'sample 0' });
    const { expected, actual } = result.firstMismatch!;
    expect(expected! - actual!).toBe(1);
  });

  test('another rounding, in portable C', async () => {
    const change = (text: string): string => text.replace('high + (((int64_t)1 << -shift) >> 1)', 'high');
    const result = await verifyChanged('src/small.c', change, host);
    expect(result.firstMismatch).toMatchObject({ layer: 'conv1', what: 'sample 0' });
  });

  test('an accumulator that overflows: only the inputs that attain its bounds show it', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const program = await writeTestBundle(dir, smallNetwork());
      // The packer refuses such weights: they are written over those that it has certified.
      const path = join(dir, 'src/small_weights.c');
      await writeFile(
        path,
        changeArray(await readFile(path, 'utf8'), (w) => 3 * w),
      );
      const result = await verify(dir, { ...program, graph: overflowingNetwork() }, cross);
      expect(result.verified).toBe(false);
      expect(result.firstMismatch).toMatchObject({ layer: 'conv2', what: 'layer "conv2", extreme 0' });
    }));
});

describe('what is wrong with a bundle ends in its own error', () => {
  test('a compile error', async () => {
    const wrong = verifyChanged('src/small.c', (text) => `${text}\nstatic int unused;\n`);
    await expect(wrong).rejects.toMatchObject({ code: 'compile-failed' });
  });

  test('a call of the heap', async () => {
    const call =
      'extern void *malloc(unsigned long n);\nvoid *small_memory(void);\nvoid *small_memory(void) { return malloc(3); }\n';
    const wrong = verifyChanged('src/small.c', (text) => `${text}\n${call}`);
    await expect(wrong).rejects.toMatchObject({ code: 'bad-symbols', details: ['the function "malloc" is called'] });
  });

  test('a read past a constant, on the host', async () => {
    const change = (text: string): string =>
      text.replace(/return SMALL_OK;/, 'return small_guard[(uintptr_t)arena & 1 ? 0 : 9];');
    const array = 'extern const int small_guard[3];\n#include <stdint.h>\n';
    const definition = '\nextern const int small_guard[3];\nconst int small_guard[3] = {0, 0, 0};\n';
    const wrong = verifyChanged('src/small.c', (text) => array + change(text) + definition, host);
    await expect(wrong).rejects.toMatchObject({ code: 'sanitizer-report' });
  });

  test('a missing harness, a missing network, a folder that is no bundle', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const program = await writeTestBundle(dir, smallNetwork(), smallSamples);
      await expect(verifyBundle(dir)).rejects.toMatchObject({ code: 'incomplete-bundle' });
      await rm(join(dir, 'test/small_harness.c'));
      await expect(verify(dir, program, cross)).rejects.toMatchObject({ code: 'incomplete-bundle', place: dir });
      await expect(verifyBundle(work)).rejects.toMatchObject({ code: 'not-a-bundle', place: work });
      await writeFile(join(work, 'manifest.json'), '{}');
      await expect(verifyBundle(work)).rejects.toMatchObject({ code: 'not-a-bundle' });
    }));

  test('a harness of another program', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const program = await writeTestBundle(dir, smallNetwork(), smallSamples);
      const path = join(dir, 'test/small_harness.c');
      await writeFile(
        path,
        (await readFile(path, 'utf8')).replace(/UINT32_C\(0x[0-9A-F]{8}\)\) fail/, 'UINT32_C(0)) fail'),
      );
      const wrong = verify(dir, program, cross);
      await expect(wrong).rejects.toMatchObject({ code: 'harness-failed', place: dir });
      await expect(wrong).rejects.toMatchObject({ details: [expect.stringContaining('made for another program')] });
    }));
});
