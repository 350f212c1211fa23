import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileObjects } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { QuantizedGraphBuilder, quant } from '../helpers/quantized-graph.ts';
import { writeTestBundle } from '../verify/bundle.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-fast-math-'));
});
afterAll(() => rm(root, { recursive: true }));

test.each(['gcc', 'clang'] as const)('float32 arithmetic does not compile where %s may reorder it', async (kind) => {
  const b = new QuantizedGraphBuilder('real');
  const [x, y] = [b.input([1, 4, 4, 8], quant(0.1, 0)), b.input([1, 4, 4, 8], quant(0.2, 0))];
  b.output(b.node({ kind: 'add', requant: 'float32' }, [x, y], quant(0.3, 0)));
  await writeTestBundle(join(root, 'real'), b.build());
  const compiling = {
    compiler: await findCompiler(kind, armv8a),
    optimization: '-O2',
    sources: [join(root, 'real/src/real.c')],
    includeDirs: [join(root, 'real/include')],
    outDir: root,
  } as const;
  await expect(compileObjects({ ...compiling, defines: { __FAST_MATH__: '1' } })).rejects.toMatchObject({
    details: expect.arrayContaining([expect.stringContaining('without -ffast-math')]),
  });
  await compileObjects(compiling);
});
