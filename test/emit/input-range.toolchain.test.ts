import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileProgram } from '../../src/build/compile.ts';
import { runProgram } from '../../src/build/run.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { QuantizedGraphBuilder, quant } from '../helpers/quantized-graph.ts';
import { writeTestBundle } from '../verify/bundle.ts';

/** Callers may give what they like: what is outside of the input's range is taken as its nearest end, and the proofs hold. */

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-range-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Inputs of 7 bits and of 3: the one is copied as it is stored, the other pixel by pixel into a concatenation. */
async function writeNetwork(): Promise<void> {
  const b = new QuantizedGraphBuilder('range');
  const [wide, narrow] = [
    { ...quant(0.1, 0), qmin: -64, qmax: 63 },
    { ...quant(0.1, 0), qmin: -3, qmax: 4 },
  ];
  const [x, z] = [b.input([1, 5, 7, 3], wide), b.input([1, 5, 7, 4], narrow)];
  b.output(b.node({ kind: 'concat', axis: 3 }, [x, z], quant(0.1, 0)));
  await writeTestBundle(join(root, 'range'), b.build());
}

const program = `
#include "range.h"
#include <stdio.h>

static int clamped(int v, int lo, int hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

int main(void)
{
  static _Alignas(16) unsigned char arena[RANGE_ARENA_SIZE];
  static int8_t x[RANGE_INPUT0_SIZE], z[RANGE_INPUT1_SIZE], y[RANGE_OUTPUT_SIZE];
  int wrong = 0, changed = 0;
  for (int turn = 0; turn < 256; turn++) {
    for (int i = 0; i < RANGE_INPUT0_SIZE; i++) x[i] = (int8_t)(i * 37 + turn);
    for (int i = 0; i < RANGE_INPUT1_SIZE; i++) z[i] = (int8_t)(i * 91 + turn);
    if (range_run(x, z, y, arena) != RANGE_OK) return 1;
    for (int p = 0; p < 35; p++) {
      for (int c = 0; c < 7; c++) {
        const int given = c < 3 ? x[3 * p + c] : z[4 * p + c - 3];
        const int want = c < 3 ? clamped(given, RANGE_INPUT0_MIN, RANGE_INPUT0_MAX)
                               : clamped(given, RANGE_INPUT1_MIN, RANGE_INPUT1_MAX);
        wrong += y[7 * p + c] != want;
        changed += given != want;
      }
    }
  }
  printf("%d %s\\n", wrong, changed > 1000 ? "of many" : "of none");
  return 0;
}
`;

test('inputs are clamped to the range that the header and the manifest name', async () => {
  await writeNetwork();
  const header = await readFile(join(root, 'range/include/range.h'), 'utf8');
  expect(header).toMatch(/#define RANGE_INPUT0_MIN \(-64\)\n#define RANGE_INPUT0_MAX 63\n/);
  const { ports } = JSON.parse(await readFile(join(root, 'range/manifest.json'), 'utf8'));
  expect(ports.map((port: { range?: object }) => port.range)).toEqual([
    { lo: -64, hi: 63 },
    { lo: -3, hi: 4 },
    undefined,
  ]);
  const main = join(root, 'main.c');
  await writeFile(main, program);
  for (const { compiler, runners } of await verifyToolchains(armv8a)) {
    for (const defines of [{}, { RANGE_PORTABLE: true }] as const) {
      const path = await compileProgram(
        {
          compiler,
          optimization: '-O2',
          sources: [main, join(root, 'range/src/range.c')],
          includeDirs: [join(root, 'range/include')],
          outDir: root,
          defines,
        },
        'program',
      );
      const { stdout, exitCode } = await runProgram({ runner: runners[0]!, program: path, args: [] });
      expect({ exitCode, stdout: new TextDecoder().decode(stdout) }).toEqual({ exitCode: 0, stdout: '0 of many\n' });
    }
  }
});
