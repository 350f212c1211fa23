import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileObjects, compileProgram } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { exitCodeOf, formatDiagnostic } from '../../src/core/diagnostics.ts';
import { armv7Neon } from '../../src/targets/armv7-neon.ts';
import { armv86I8mm } from '../../src/targets/armv8.6-i8mm.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { cortexA53 } from '../../src/targets/cortex-a53.ts';
import { errorOf, fakeCompiler, fakePath } from './fakes.ts';

/** Writes down its command line, and makes its output. */
const recording = `echo "$*" >> "$(dirname "$0")/log"
while [ $# -gt 0 ]; do case $1 in -o) : > "$2" ;; esac; shift; done`;

test('flags: strict dialect, optimization, defines, include folders; the link is static', async () => {
  await withTempDir(async (dir) => {
    const compiler = await fakeCompiler(dir, recording);
    const sources = ['/m/a.c', '/n/a.c'];
    await compileProgram(
      {
        compiler,
        optimization: '-O3',
        sources,
        outDir: dir,
        includeDirs: ['/m/include'],
        defines: { N: 3, FAST: true },
      },
      'program',
    );
    const lines = (await readFile(join(dir, 'bin/log'), 'utf8')).trim().replaceAll(dir, 'T').split('\n').sort();
    const flags =
      '-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-lax-vector-conversions -march=armv8-a -O3 -I/m/include';
    expect(lines).toEqual([
      '-march=armv8-a -static T/0-a.c.o T/1-a.c.o -o T/program -lm',
      `${flags} -DN=3 -DFAST -c /m/a.c -o T/0-a.c.o`,
      `${flags} -DN=3 -DFAST -c /n/a.c -o T/1-a.c.o`,
    ]);
  });
});

test.each([
  [cortexA53, '-target aarch64-linux-musl', 'cortex_a53'],
  [armv86I8mm, '-target aarch64-linux-musl', 'generic+v8_2a+dotprod+i8mm'],
  [armv7Neon, '-target arm-linux-musleabihf', 'generic+v7a+neon'],
])(
  'zig: $name, by its own names; its C library for the oldest core, so that it is made once',
  async (target, triple, cpu) => {
    await withTempDir(async (dir) => {
      const zig = `case "$*" in 'cc --version') echo "clang version 21.1.0"; exit 0 ;; esac\n${recording}`;
      const compiler = await findCompiler('zig', target, await fakePath(dir, { zig }));
      expect(compiler.name).toBe('zig (clang 21.1.0)');
      await compileProgram({ compiler, optimization: '-O2', sources: ['/m/a.c'], outDir: dir }, 'program');
      const lines = (await readFile(join(dir, 'bin/log'), 'utf8')).trim().replaceAll(dir, 'T').split('\n');
      expect(lines).toEqual([
        'cc -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-lax-vector-conversions ' +
          `${triple} -mcpu=${cpu} -fno-sanitize=undefined -O2 -c /m/a.c -o T/0-a.c.o`,
        `cc ${triple} -static T/0-a.c.o -o T/program -lm`,
      ]);
    });
  },
);

test('a flag that the compiler does not know is left out', async () => {
  await withTempDir(async (dir) => {
    const body = 'case "$*" in *--version*) echo "gcc 4.2.0" ;; *lax*) exit 1 ;; esac';
    const compiler = await findCompiler('gcc', armv8a, await fakePath(dir, { 'aarch64-linux-gnu-gcc': body }));
    expect(compiler.flags).not.toContain('-fno-lax-vector-conversions');
  });
});

test('a compile error: one line, then place, command, messages and cause; exit code 1', async () => {
  await withTempDir(async (dir) => {
    const compiler = await fakeCompiler(
      dir,
      `case "$*" in *bad.c*) echo "bad.c:3:5: error: unknown type name 'int9_t'" >&2; exit 1 ;; esac`,
    );
    const sources = ['good.c', '/model/src/bad.c'];
    const error = await errorOf(compileObjects({ compiler, optimization: '-O2', sources, outDir: dir }));
    expect(exitCodeOf(error)).toBe(1);
    expect(
      formatDiagnostic(error).replaceAll(dir, 'T').replaceAll("'T", 'T').replaceAll("'", ''),
    ).toMatchInlineSnapshot(`
      "error[compile-failed]: gcc 12.2.0 -O2 for armv8-a could not compile bad.c
        at /model/src/bad.c
        command: T/bin/aarch64-linux-gnu-gcc -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-lax-vector-conversions -march=armv8-a -O2 -c /model/src/bad.c -o T/1-bad.c.o
        bad.c:3:5: error: unknown type name int9_t
        cause: it exited with code 1"
    `);
  });
});

test('a long list of messages is cut', async () => {
  await withTempDir(async (dir) => {
    const compiler = await fakeCompiler(
      dir,
      'for i in 1 2 3 4 5 6; do printf "a\\nb\\nc\\nd\\ne\\n" >&2; done; exit 1',
    );
    const error = await errorOf(compileObjects({ compiler, optimization: '-O2', sources: ['x.c'], outDir: dir }));
    expect(error.details).toHaveLength(23);
    expect(error.details?.at(-2)).toBe('… 10 more lines');
  });
});

test('a missing system header points to doctor; a compiler killed by a signal is said to be', async () => {
  await withTempDir(async (dir) => {
    const noHeader = await fakeCompiler(dir, `echo "x.c:1:10: fatal error: 'stdio.h' file not found" >&2; exit 1`);
    const options = { optimization: '-O2', sources: ['x.c'], outDir: dir } as const;
    expect((await errorOf(compileObjects({ ...options, compiler: noHeader }))).hint).toContain('neonarrow doctor');
    const killed = await fakeCompiler(dir, 'kill -KILL $$');
    const error = await errorOf(compileObjects({ ...options, compiler: killed }));
    expect(error.details?.at(-1)).toBe('cause: it was ended by signal SIGKILL');
  });
});

test('the temporary folder is gone after success and after an error', async () => {
  const seen: string[] = [];
  await withTempDir(async (dir) => void seen.push(dir));
  await withTempDir(async (dir) => {
    seen.push(dir);
    throw new Error('x');
  }).catch(() => {});
  for (const dir of seen) await expect(writeFile(join(dir, 'file'), '')).rejects.toThrow('ENOENT');
});
