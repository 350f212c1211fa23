import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileObjects, compileProgram } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { execute } from '../../src/build/execute.ts';
import { runProgram } from '../../src/build/run.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import type { BundleLayout } from '../../src/emit/layout.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import type { VerifiedProgram } from '../../src/verify/program.ts';
import { verifyProgram } from '../../src/verify/verify.ts';
import { convGraph } from '../helpers/reductions.ts';
import { writeTestBundle } from '../verify/bundle.ts';

/** Every layout of a bundle computes the same bytes, and does what it promises besides. */

let root: string;
const folder = (name: string): string => join(root, name);
const layouts: Readonly<Record<string, Partial<BundleLayout>>> = {
  own: { arena: 'static', license: 'MIT', copyright: '2026 Example */ Ltd.' },
  loaded: { weights: 'binary', maxFileBytes: 8192 },
  both: { weights: 'binary', arena: 'static' },
  included: { weights: 'incbin' },
};
const programs = new Map<string, VerifiedProgram>();
const graphOf = (name: string) => convGraph(name, { height: 5, width: 6, channels: 16, outputs: 9, kernel: [3, 3] });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-layout-'));
  for (const [name, layout] of Object.entries(layouts)) {
    programs.set(name, await writeTestBundle(folder(name), graphOf(name), [], layout));
  }
});
afterAll(() => rm(root, { recursive: true }));

test.each(Object.keys(layouts))('"%s" verifies: gcc under QEMU, and the portable C under sanitizers', async (name) => {
  const cross = (await verifyToolchains(armv8a))[0]!;
  const toolchains = [{ ...cross, runners: cross.runners.slice(0, 1) }, ...(await verifyToolchains(portable))];
  const result = await verifyProgram(folder(name), programs.get(name)!, { samples: [], budget: 2e6, toolchains });
  expect(result).toMatchObject({ verified: true, mismatches: 0 });
});

test.each(Object.keys(layouts))('"%s" builds and checks itself with make', async (name) => {
  const check = await execute({ command: 'make', args: ['-C', folder(name), 'all', 'check'], timeoutMs: 120_000 });
  expect(check, check.stderr).toMatchObject({ exitCode: 0 });
  expect(new TextDecoder().decode(check.stdout)).toContain('mismatches 0');
  await rm(join(folder(name), 'build'), { recursive: true });
});

/** Reads a file of constants, and tries it whole and damaged; then runs both networks on the same input. */
const program = `
#include "both.h"
#include "loaded.h"
#include <stdio.h>
#include <string.h>

static _Alignas(16) unsigned char file[LOADED_WEIGHTS_SIZE + 16], other[BOTH_WEIGHTS_SIZE], arena[LOADED_ARENA_SIZE];
static int8_t input[LOADED_INPUT_SIZE], first[LOADED_OUTPUT_SIZE], second[BOTH_OUTPUT_SIZE];

static int damaged(size_t at)
{
  file[at] ^= 1;
  int status = loaded_load(file, LOADED_WEIGHTS_SIZE);
  file[at] ^= 1;
  return status;
}

static int readFile(const char *path, unsigned char *to, size_t size)
{
  FILE *stream = fopen(path, "rb");
  size_t count = stream == NULL ? 0 : fread(to, 1, size, stream);
  if (stream != NULL) fclose(stream);
  return count == size;
}

int main(int argc, char **argv)
{
  if (argc != 3 || !readFile(argv[1], file, LOADED_WEIGHTS_SIZE) || !readFile(argv[2], other, sizeof other)) return 1;
  for (int i = 0; i < LOADED_INPUT_SIZE; i++) input[i] = (int8_t)(i * 37 % 256 - 128);
  printf("%d\\n", loaded_run(input, first, arena) == LOADED_E_WEIGHTS);
  printf("%d\\n", loaded_load(NULL, LOADED_WEIGHTS_SIZE) == LOADED_E_NULL);
  printf("%d\\n", loaded_load(file, LOADED_WEIGHTS_SIZE - 1) == LOADED_E_FORMAT);
  printf("%d\\n", loaded_load(file + 1, LOADED_WEIGHTS_SIZE) == LOADED_E_ALIGNMENT);
  printf("%d\\n", damaged(0) == LOADED_E_FORMAT && damaged(8) == LOADED_E_FORMAT);
  printf("%d\\n", damaged(63) == LOADED_E_MODEL && damaged(20) == LOADED_E_MODEL && damaged(12) == LOADED_E_MODEL);
  printf("%d\\n", damaged(16) == LOADED_E_CHECKSUM && damaged(LOADED_WEIGHTS_SIZE - 40) == LOADED_E_CHECKSUM);
  printf("%d\\n", loaded_load(other, sizeof other) == LOADED_E_MODEL);
  printf("%d\\n", loaded_run(input, first, arena) == LOADED_E_WEIGHTS);
  printf("%d\\n", loaded_load(file, LOADED_WEIGHTS_SIZE) == LOADED_OK && both_load(other, sizeof other) == BOTH_OK);
  printf("%d\\n", loaded_run(input, first, arena) == LOADED_OK && both_run(input, second) == BOTH_OK);
  printf("%d\\n", memcmp(first, second, sizeof first) == 0 && memchr(first, first[0] ^ 1, sizeof first) != NULL);
  return 0;
}
`;

describe('two models in one program, with constants that it loads', () => {
  test('run, and refuse every file that is not theirs', async () => {
    const main = join(root, 'main.c');
    await writeFile(main, program);
    const path = await compileProgram(
      {
        compiler: await findCompiler('gcc', portable),
        optimization: '-O2',
        sources: [main, join(folder('loaded'), 'src/loaded.c'), join(folder('both'), 'src/both.c')],
        includeDirs: ['loaded', 'both'].map((name) => join(folder(name), 'include')),
        outDir: root,
        sanitize: true,
      },
      'two',
    );
    const args = ['loaded', 'both'].map((name) => join(folder(name), 'data', `${name}_weights.bin`));
    const { stdout, stderr, exitCode } = await runProgram({ runner: { kind: 'native' }, program: path, args });
    expect(stderr).toBe('');
    expect({ exitCode, stdout: new TextDecoder().decode(stdout) }).toEqual({ exitCode: 0, stdout: '1\n'.repeat(12) });
  });

  test('have no constants of their layers in the program', async () => {
    expect((await readdir(join(folder('both'), 'src'))).sort()).toEqual(['both.c', 'both_weights.h']);
  });
});

describe('a static arena', () => {
  const sectionsWith = async (defines: Record<string, string | true>): Promise<string> => {
    const compiler = await findCompiler('clang', armv8a);
    const sources = [join(folder('own'), 'src/own.c')];
    const includeDirs = [join(folder('own'), 'include')];
    const [object] = await compileObjects({
      compiler,
      optimization: '-O2',
      sources,
      includeDirs,
      outDir: root,
      defines,
    });
    const seen = await execute({ command: 'readelf', args: ['-S', '-W', object!], timeoutMs: 20_000 });
    return new TextDecoder().decode(seen.stdout);
  };

  test.each([
    ['of the model', 'OWN_ARENA_SECTION'],
    ['of all models', 'NEONARROW_ARENA_SECTION'],
  ])('goes into the section %s', async (_, macro) => {
    expect(await sectionsWith({ [macro]: '__attribute__((section(".dtcm,\\"aw\\",%nobits//")))' })).toContain(' .dtcm');
    expect(await sectionsWith({})).not.toContain(' .dtcm');
  });

  test('can be memory that is there already', async () => {
    expect(await sectionsWith({ OWN_ARENA: '((unsigned char *)0x40000000)' })).not.toMatch(
      / \.bss +NOBITS +0+ \w+ 0*[1-9a-f]/,
    );
    expect(await sectionsWith({})).toMatch(/ \.bss +NOBITS +0+ \w+ 0*[1-9a-f]/);
  });
});

test('constants of all models go into one section', async () => {
  const [object] = await compileObjects({
    compiler: await findCompiler('gcc', armv8a),
    optimization: '-O2',
    sources: [join(folder('own'), 'src/own_weights.c')],
    includeDirs: [join(folder('own'), 'include')],
    outDir: root,
    defines: { NEONARROW_WEIGHTS_SECTION_NAME: '".xip"' },
  });
  const seen = await execute({ command: 'readelf', args: ['-S', '-W', object!], timeoutMs: 20_000 });
  expect(new TextDecoder().decode(seen.stdout)).toContain(' .xip ');
});

test('a header of another bundle does not compile with the source', async () => {
  const dir = folder('stale');
  await writeTestBundle(dir, convGraph('stale', { height: 5, width: 6, channels: 16, outputs: 9 }));
  const header = join(dir, 'include/stale.h');
  const text = await readFile(header, 'utf8');
  await writeFile(header, text.replace(/(_OUTPUT_SIZE) \d+/, '$1 9'));
  const compiler = await findCompiler('gcc', portable);
  const includeDirs = [join(dir, 'include')];
  const compiling = {
    compiler,
    optimization: '-O2',
    sources: [join(dir, 'src/stale.c')],
    includeDirs,
    outDir: root,
  } as const;
  await expect(compileObjects(compiling)).rejects.toMatchObject({
    code: 'compile-failed',
    details: expect.arrayContaining([expect.stringContaining('stale.h is of another bundle')]),
  });
});

test('every file says whose it is', async () => {
  const dir = folder('own');
  for (const path of ['src/own.c', 'src/own_weights.c', 'src/own_weights.h', 'include/own.h', 'test/own_harness.c']) {
    const text = await readFile(join(dir, path), 'utf8');
    expect(text, path).toContain('/* SPDX-License-Identifier: MIT */');
    expect(text, path).toContain('/* SPDX-FileCopyrightText: 2026 Example * / Ltd. */');
  }
  for (const path of ['Makefile', 'CMakeLists.txt']) {
    expect(await readFile(join(dir, path), 'utf8')).toContain('# SPDX-License-Identifier: MIT');
  }
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
  expect(manifest.spdx).toMatchObject({ licenseDeclared: 'MIT', copyrightText: '2026 Example */ Ltd.' });
});
