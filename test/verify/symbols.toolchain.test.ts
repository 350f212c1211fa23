import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileObjects } from '../../src/build/compile.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import { readElfSymbols } from '../../src/verify/elf.ts';
import { checkSymbols } from '../../src/verify/symbols.ts';

const good = `
#include <string.h>
static int hidden(int x) { return x; }
extern int net_b(int);
const int net_table[3] = {1, 2, 3};
int net_a(void *p);
int net_a(void *p) { memset(p, 0, 100000); return hidden(net_table[0]) + net_b(2); }
`;
const bad = `
#include <stdlib.h>
int leaked = 3;
void *net_a(size_t n);
void *net_a(size_t n) { return malloc(n); }
`;

async function objectOf(dir: string, text: string, target = armv8a, index = 0): Promise<string> {
  const source = join(dir, 'source.c');
  await writeFile(source, text);
  const toolchain = (await verifyToolchains(target))[index]!;
  const { compiler, optimization } = toolchain;
  return (await compileObjects({ compiler, optimization, sources: [source], outDir: dir }))[0]!;
}

test.each([
  ['gcc', armv8a, 0],
  ['clang', armv8a, 2],
  ['the host', portable, 0],
] as const)('a file that keeps to itself passes, compiled by %s', (_name, target, index) =>
  withTempDir(async (dir) => {
    const object = await objectOf(dir, good, target, index);
    const symbols = readElfSymbols(await readFile(object), object);
    expect(
      symbols
        .filter((s) => s.global && s.defined)
        .map((s) => s.name)
        .sort(),
    ).toEqual(['net_a', 'net_table']);
    expect(symbols.filter((s) => !s.defined).map((s) => s.name)).toContain('memset');
    await checkSymbols([object], 'net');
  }),
);

test('names without the prefix and the heap are found', () =>
  withTempDir(async (dir) => {
    const object = await objectOf(dir, bad);
    await expect(checkSymbols([object], 'net')).rejects.toMatchObject({
      code: 'bad-symbols',
      details: ['the function "malloc" is called', 'the symbol "leaked" lacks the prefix "net_"'],
    });
  }));

test('a file that is no object is refused', () =>
  withTempDir(async (dir) => {
    const path = join(dir, 'x.o');
    for (const text of ['', 'hello, this is no object file at all', '\x7fELF\x02\x01']) {
      await writeFile(path, text);
      await expect(checkSymbols([path], 'net')).rejects.toMatchObject({ code: 'not-an-object', place: path });
    }
  }));
