import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Compilation, compileObjects, compileProgram } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { execute } from '../../src/build/execute.ts';
import { runProgram } from '../../src/build/run.ts';
import { emitBundle } from '../../src/emit/bundle.ts';
import type { SourceFile } from '../../src/emit/types.ts';
import { writeBundle } from '../../src/emit/write.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import type { CompilerKind } from '../../src/targets/target.ts';
import { tinyBundle } from './tiny.ts';

let root: string;
const folderOf = (name: string): string => join(root, name);

/** Prints the error codes, then the steps, the result and the labels of one image. */
function mainText(...models: string[]): string {
  const test = (m: string, M: string): string => `
  static _Alignas(16) unsigned char ${m}_memory[${M}_ARENA_SIZE + 16];
  uint8_t ${m}_pixels[${M}_INPUT_SIZE];
  int8_t ${m}_in[${M}_INPUT_SIZE], ${m}_out[${M}_OUTPUT_SIZE];
  for (int i = 0; i < ${M}_INPUT_SIZE; i++) ${m}_pixels[i] = (uint8_t)(i * 7);
  ${m}_quantize_u8(${m}_pixels, ${m}_in);
  printf("%d %d %d %d", ${m}_run(NULL, ${m}_out, ${m}_memory), ${m}_run(${m}_in, NULL, ${m}_memory),
         ${m}_run(${m}_in, ${m}_out, NULL), ${m}_run(${m}_in, ${m}_out, ${m}_memory + 1));
  printf(" %d %s", ${m}_run(${m}_in, ${m}_out, ${m}_memory), ${m}_labels[1]);
  for (int i = 0; i < ${M}_OUTPUT_SIZE; i++) printf(" %d", ${m}_out[i]);
  puts("");`;
  const includes = models.map((m) => `#include "${m}.h"\n`).join('');
  const tests = models.map((m) => test(m, m.toUpperCase())).join('');
  return `${includes}#include <stdio.h>\nint main(void) {${tests}\n  return 0;\n}\n`;
}

const expected = '-1 -1 -1 -2 0 dog "Rex"';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-bundle-'));
  const harness = ({ prefix }: { prefix: string }): SourceFile[] => [
    {
      path: `test/${prefix}_harness.c`,
      contents: `#include "../src/${prefix}.c"\n#include <stdio.h>\nint main(int n, char **a) { return n != 2 || puts(a[1]) < 0; }\n`,
    },
    { path: `test/${prefix}.vectors`, contents: '' },
  ];
  for (const name of ['first', 'second']) {
    await writeBundle(folderOf(name), emitBundle(tinyBundle(name), harness).files);
  }
  await mkdir(folderOf('out'));
  await writeFile(join(root, 'main.c'), mainText('first', 'second'));
});
afterAll(() => rm(root, { recursive: true }));

const sourcesOf = async (name: string): Promise<string[]> =>
  (await readdir(join(folderOf(name), 'src')))
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(folderOf(name), 'src', file));

async function compilation(kind: CompilerKind, target = armv8a): Promise<Compilation> {
  const sources = [...(await sourcesOf('first')), ...(await sourcesOf('second'))];
  return {
    compiler: await findCompiler(kind, target),
    optimization: '-O2',
    sources,
    outDir: folderOf('out'),
    includeDirs: ['first', 'second'].map((name) => join(folderOf(name), 'include')),
    extraFlags: ['-Wconversion', '-Wundef', '-Wshadow', '-Wstrict-prototypes', '-Wmissing-prototypes'],
  };
}

describe('a bundle', () => {
  it.each(['gcc', 'clang'] as const)('compiles with %s without a warning, with and without NEON', async (kind) => {
    const base = await compilation(kind);
    await expect(compileObjects(base)).resolves.toHaveLength(4);
    const defines = { FIRST_PORTABLE: 1, SECOND_PORTABLE: true } as const;
    await expect(compileObjects({ ...base, defines })).resolves.toHaveLength(4);
  });

  it('links with another into one program; errors have codes', async () => {
    const base = await compilation('gcc', portable);
    const program = await compileProgram(
      { ...base, sources: [...base.sources, join(root, 'main.c')], sanitize: true },
      'two',
    );
    const { stdout } = await runProgram({ runner: { kind: 'native' }, program });
    const lines = new TextDecoder().decode(stdout).trimEnd().split('\n');
    expect(lines[0]).toMatch(new RegExp(`^${expected}( -?\\d+){6}$`));
    expect(lines[1]).toBe(lines[0]);
  });

  it('has a header that C++ takes', async () => {
    const base = await compilation('clang');
    const source = join(root, 'header.cpp');
    await writeFile(source, '#include "first.h"\nint (*run)(const int8_t *, int8_t *, void *) = first_run;\n');
    const extraFlags = ['-x', 'c++', '-std=c++14'];
    await expect(compileObjects({ ...base, sources: [source], extraFlags })).resolves.toHaveLength(1);
  });

  it('calls a hook after each step, and puts its constants where it is told', async () => {
    const base = await compilation('gcc', portable);
    const source = join(root, 'hook.c');
    const hook = '#include <stdio.h>\n#define FIRST_ON_LAYER(step, name) printf("\\n%d %s\\n", step, name)\n';
    await writeFile(source, `${hook}#include "${folderOf('first')}/src/first.c"\n${mainText('first')}`);
    const weights = base.sources.filter((path) => path.endsWith('first_weights.c'));
    const program = await compileProgram(
      {
        ...base,
        sources: [source, ...weights],
        defines: { FIRST_WEIGHTS_SECTION: '__attribute__((section(".model")))' },
        extraFlags: ['-Wno-missing-prototypes'],
      },
      'hook',
    );
    const { stdout } = await runProgram({ runner: { kind: 'native' }, program });
    const lines = new TextDecoder().decode(stdout).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['0 load input0', '1 maxPool_1', '7 store output0']));
    const sections = await execute({ command: 'readelf', args: ['-S', '-W', program], timeoutMs: 20_000 });
    expect(new TextDecoder().decode(sections.stdout)).toContain(' .model ');
  });

  it('has a Makefile that builds a library and runs the harness', async () => {
    const make = (...args: string[]) =>
      execute({ command: 'make', args: ['-C', folderOf('first'), ...args], timeoutMs: 120_000 });
    expect(await make()).toMatchObject({ exitCode: 0 });
    expect(await readdir(join(folderOf('first'), 'build'))).toContain('libfirst.a');
    const check = await make('check');
    expect(check).toMatchObject({ exitCode: 0 });
    expect(new TextDecoder().decode(check.stdout)).toContain('\ntest/first.vectors\n');
    const cross = await make('check', 'BUILD=build/arm', 'CROSS_COMPILE=aarch64-linux-gnu-', 'RUN=qemu-aarch64');
    expect(cross).toMatchObject({ exitCode: 0 });
    expect(await make('clean')).toMatchObject({ exitCode: 0 });
    expect(await readdir(folderOf('first'))).not.toContain('build');
  });
});
