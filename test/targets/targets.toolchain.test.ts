import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { writeCounted } from '../../src/bench/baseline-bundle.ts';
import { compileObjects } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { importFile, readModelFile } from '../../src/stages/read-model.ts';
import { armv82Dotprod } from '../../src/targets/armv8.2-dotprod.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { targets } from '../../src/targets/index.ts';
import { verifyProgram } from '../../src/verify/verify.ts';

/** The digits example as the demo quantizes it, for 16-bit accumulators. */
const network = fileURLToPath(new URL('../../generated/digits/test/digits.qdq.onnx', import.meta.url));

/** The kernels of its layers with weights: one network, whatever the accumulators it was quantized for. */
const kernels: Readonly<Record<string, readonly string[]>> = {
  'armv8.2-dotprod': ['first-layer', 'conv-dotprod', 'conv-dotprod', 'conv-dotprod'],
  'armv8.6-i8mm': ['first-layer', 'conv-i8mm', 'conv-i8mm', 'conv-dotprod'],
};
const narrow = ['first-layer', 'conv-k-lanes', 'conv-k-lanes', 'conv-k-lanes'];

describe.each([...targets.values()])('$name', (target) => {
  test('runs the digits example byte for byte, by gcc and by clang', async () => {
    const { graph } = await importFile(await readModelFile(network));
    const selections = selectKernels(graph, target);
    const withWeights = graph.nodes.filter(({ op }) => op.kind === 'conv2d' || op.kind === 'fullyConnected');
    expect(withWeights.map(({ id }) => selections.get(id)!.name)).toEqual(kernels[target.name] ?? narrow);
    await withTempDir(async (work) => {
      const dir = join(work, 'digits');
      const program = await writeCounted(dir, { graph, plan: planMemory(graph, selections), target, prefix: 'digits' });
      // One optimization level each is enough to tell the compilers apart; the host has one anyway.
      const all = await verifyToolchains(target);
      const toolchains = all.filter(
        ({ compiler, sanitize, optimization }) =>
          sanitize || optimization === (compiler.kind === 'gcc' ? '-O2' : '-O3'),
      );
      expect(toolchains).toHaveLength(target.triple === 'host' ? 1 : 2);
      const result = await verifyProgram(dir, program, { samples: [], toolchains, budget: 2e7 });
      expect(result).toMatchObject({ verified: true, mismatches: 0 });
    });
  });
});

test('a compiler that was not told of dot products refuses code for them', async () => {
  const { graph } = await importFile(await readModelFile(network));
  await withTempDir(async (work) => {
    const plan = planMemory(graph, selectKernels(graph, armv82Dotprod));
    await writeCounted(work, { graph, plan, target: armv82Dotprod, prefix: 'digits' });
    const compiler = await findCompiler('gcc', armv8a);
    const compilation = {
      compiler,
      optimization: '-O2',
      sources: [join(work, 'src/digits.c')],
      includeDirs: [join(work, 'include')],
      outDir: work,
    } as const;
    await expect(compileObjects(compilation)).rejects.toMatchObject({
      details: expect.arrayContaining([
        expect.stringContaining('compile with -march=armv8.2-a+dotprod, or define DIGITS_PORTABLE'),
      ]),
    });
    await compileObjects({ ...compilation, defines: { DIGITS_PORTABLE: true } });
  });
});
