import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Compilation, compileProgram } from '../../src/build/compile.ts';
import { examineTools, isHealthy } from '../../src/build/doctor.ts';
import { runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { must } from '../../src/core/must.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import type { Target } from '../../src/targets/target.ts';
import { countsInstructions } from '../helpers/instructions.ts';
import { errorOf } from './fakes.ts';

const vmlal = `#include <arm_neon.h>
#include <stdio.h>
int main(void)
{
    static const int8_t a[8] = {1, 2, 3, 4, 5, 6, 7, -128};
    const int8x8_t v = vld1_s8(a);
    printf("%d\\n", (int)vaddlvq_s16(vmlal_s8(vdupq_n_s16(0), v, v)));
    return 0;
}
`;

/** Compiles `source` under the first toolchain of a target which fits, and hands over what runs it. */
async function withProgram<T>(
  target: Target,
  source: string,
  work: (program: string, runner: Parameters<typeof runProgram>[0]['runner']) => Promise<T>,
  more: Partial<Compilation> = {},
): Promise<T[]> {
  const results: T[] = [];
  for (const { compiler, optimization, sanitize, runners } of await verifyToolchains(target)) {
    await withTempDir(async (outDir) => {
      const file = join(outDir, 'test.c');
      await writeFile(file, source);
      const program = await compileProgram(
        { compiler, optimization, sanitize, sources: [file], outDir, ...more },
        'test',
      );
      for (const runner of runners) results.push(await work(program, runner));
    });
  }
  return results;
}

test('vmlal_s8 gives the same sum on gcc and clang, -O2 and -O3, cortex-a53 and max', async () => {
  const outputs = await withProgram(armv8a, vmlal, async (program, runner) => {
    const result = await runProgram({ program, runner });
    return `${result.exitCode} ${new TextDecoder().decode(result.stdout).trim()}`;
  });
  // 1 + 4 + … + 49 + 16384
  expect(outputs).toEqual(Array.from({ length: 8 }, () => '0 16524'));
});

test.skipIf(!countsInstructions)(
  'the plugin counts the same instructions in every run, and more for more work',
  async () => {
    const source =
      'int main(int argc, char **argv) { (void)argv; for (volatile int i = 0; i < argc * 1000; i++) {} }\n';
    const counts = await withProgram(armv8a, source, async (program, runner) => {
      const once = await runProgram({ program, runner, plugin: {} });
      const again = await runProgram({ program, runner, plugin: {} });
      const twice = await runProgram({ program, runner, plugin: {}, args: ['x'] });
      expect(again.counts).toEqual(once.counts);
      return (twice.counts?.instructions ?? 0) - (once.counts?.instructions ?? 0);
    });
    for (const count of counts) expect(count).toBeGreaterThan(4000);
  },
);

test('a warning is a compile error which shows the compiler’s words', async () => {
  const source = 'int main(void) { int unused; return 0; }\n';
  const error = await errorOf(withProgram(armv8a, source, async () => 0));
  expect(error.code).toBe('compile-failed');
  expect(error.message).toMatch(/^gcc \S+ -O2 for armv8-a could not compile test\.c$/);
  expect(error.details?.join('\n')).toContain('-Werror=unused-variable');
});

test('a lax vector conversion is an error on both compilers', async () => {
  const source = '#include <arm_neon.h>\nint16x8_t f(int8x16_t x);\nint16x8_t f(int8x16_t x) { return x; }\n';
  const toolchains = await verifyToolchains(armv8a);
  for (const kind of ['gcc', 'clang']) {
    const { compiler } = must(
      toolchains.find((toolchain) => toolchain.compiler.kind === kind),
      kind,
    );
    expect(compiler.flags).toContain('-fno-lax-vector-conversions');
  }
  expect((await errorOf(withProgram(armv8a, source, async () => 0))).code).toBe('compile-failed');
});

test('a segmentation fault under QEMU is reported with its signal', async () => {
  const source = 'int main(void) { volatile int *p = (int *)8; return *p; }\n';
  const error = await errorOf(
    withProgram(armv8a, source, (program, runner) => runProgram({ program, runner }), {
      extraFlags: ['-Wno-array-bounds'],
    }),
  );
  expect(error.message).toBe('the program was ended by signal SIGSEGV under qemu-aarch64 -cpu cortex-a53');
});

test('an endless program under QEMU is stopped', async () => {
  const source = 'int main(void) { for (volatile int i = 0;; i++) {} }\n';
  const error = await errorOf(
    withProgram(armv8a, source, (program, runner) => runProgram({ program, runner, timeoutMs: 500 })),
  );
  expect(error.code).toBe('run-timeout');
});

test.each([
  ['a read past an array', 'int main(int argc, char **argv) { char a[4] = {0}; (void)argv; return a[argc + 3]; }\n'],
  ['a signed overflow', 'int main(int argc, char **argv) { (void)argv; return 0x7fffffff + argc; }\n'],
])('the host’s sanitizers stop %s', async (_, source) => {
  const error = await errorOf(withProgram(portable, source, (program, runner) => runProgram({ program, runner })));
  expect(error.code).toBe('sanitizer-report');
});

test('a clean portable program runs on the host, and its exit code is returned', async () => {
  const results = await withProgram(portable, 'int main(void) { return 3; }\n', (program, runner) =>
    runProgram({ program, runner }),
  );
  expect(results).toMatchObject([{ exitCode: 3 }]);
});

test('doctor finds this machine healthy', async () => {
  const findings = await examineTools();
  expect(findings.filter((finding) => !finding.found && !finding.optional)).toEqual([]);
  expect(isHealthy(findings)).toBe(true);
});
