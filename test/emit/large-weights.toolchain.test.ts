import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileObjects } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { execute } from '../../src/build/execute.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import type { VerifiedProgram } from '../../src/verify/program.ts';
import { verifyProgram } from '../../src/verify/verify.ts';
import { denseGraph } from '../helpers/reductions.ts';
import { writeTestBundle } from '../verify/bundle.ts';

let root: string;
let program: VerifiedProgram;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-large-'));
  program = await writeTestBundle(join(root, 'large'), denseGraph('large', 1, 1030, 1100, { largest: 2 }));
});
afterAll(() => rm(root, { recursive: true }));

describe('a bundle of more than a MiB of constants', () => {
  it('has the long arrays in a file of their own, the short ones as text', async () => {
    expect((await readdir(join(root, 'large/src'))).sort()).toEqual([
      'large.c',
      'large_weights.S',
      'large_weights.bin',
      'large_weights.c',
      'large_weights.h',
    ]);
    const c = await readFile(join(root, 'large/src/large_weights.c'), 'utf8');
    expect(c).toContain('_bias[1100] = {');
    expect(c).not.toContain('_weights[');
    expect(c.length).toBeLessThan(100_000);
    const header = await readFile(join(root, 'large/src/large_weights.h'), 'utf8');
    expect(header).toMatch(/extern const int8_t large_1_fullyConnected_1_weights\[\d{7}\];/);
  });

  it('verifies under QEMU and as portable C', async () => {
    const result = await verifyProgram(join(root, 'large'), program, { samples: [], budget: 2e7 });
    expect(result).toMatchObject({ verified: true, mismatches: 0 });
    expect(new Set(result.runs.map(({ cpu }) => cpu))).toEqual(new Set(['cortex-a53', 'max', 'host']));
  });

  it('builds with its Makefile, from another folder too', async () => {
    const make = (...args: string[]) =>
      execute({ command: 'make', args: ['-C', join(root, 'large'), ...args], cwd: '/', timeoutMs: 120_000 });
    const check = await make('all', 'check');
    expect(check).toMatchObject({ exitCode: 0 });
    expect(text(check.stdout)).toContain('mismatches 0');
    const cross = await make('check', 'BUILD=build/arm', 'CROSS_COMPILE=aarch64-linux-gnu-', 'RUN=qemu-aarch64');
    expect(text(cross.stdout)).toContain('mismatches 0');
  });

  it.each(['gcc', 'clang'] as const)('puts all of them where it is told, with %s', async (kind) => {
    const [S, c] = await compileObjects({
      compiler: await findCompiler(kind, armv8a),
      optimization: '-O2',
      sources: ['S', 'c'].map((end) => join(root, `large/src/large_weights.${end}`)),
      outDir: root,
      includeDirs: [join(root, 'large/include')],
      defines: { LARGE_WEIGHTS_SECTION_NAME: '".model"' },
    });
    for (const object of [S!, c!]) {
      const sections = await execute({ command: 'readelf', args: ['-S', '-W', object], timeoutMs: 20_000 });
      expect(text(sections.stdout)).toMatch(/ \.model +PROGBITS .* A +0 +0 +16\n/);
    }
  });
});
