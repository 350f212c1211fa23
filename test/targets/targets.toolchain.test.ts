import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { networks } from '../../bench/networks/index.ts';
import { writeCounted } from '../../src/bench/baseline-bundle.ts';
import { compileObjects } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { bareToolchains, type Toolchain, verifyToolchains } from '../../src/build/toolchains.ts';
import { silentProgress } from '../../src/core/progress.ts';
import { type BundleLayout, defaultLayout } from '../../src/emit/layout.ts';
import type { Graph } from '../../src/graph/types.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { importSource } from '../../src/onnx/import.ts';
import { optimize } from '../../src/passes/index.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { compileBundle } from '../../src/stages/compile-bundle.ts';
import { importFile, readModelFile } from '../../src/stages/read-model.ts';
import { verifyCompiled } from '../../src/stages/verify-compiled.ts';
import { armv82Dotprod } from '../../src/targets/armv8.2-dotprod.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { targets } from '../../src/targets/index.ts';
import type { Target } from '../../src/targets/target.ts';
import { noise } from '../quantize/networks.ts';

/** The digits example as the demo quantizes it, for 16-bit accumulators. */
const digits = fileURLToPath(new URL('../../generated/digits/test/digits.qdq.onnx', import.meta.url));

/** The kernels of its layers with weights: one network, whatever the accumulators it was quantized for. */
const kernels: Readonly<Record<string, readonly string[]>> = {
  'armv8.2-dotprod': ['first-layer', 'conv-dotprod', 'conv-dotprod', 'conv-dotprod'],
  'armv8.6-i8mm': ['first-layer', 'conv-i8mm', 'conv-i8mm', 'conv-dotprod'],
};
const narrow = ['first-layer', 'conv-k-lanes', 'conv-k-lanes', 'conv-k-lanes'];

/** Both networks, quantized once for all targets: the digits example, and MLPerf Tiny's ResNet-8 with seeded weights. */
let graphs: Readonly<Record<'digits' | 'resnet8', Graph>>;
beforeAll(async () => {
  const { build } = networks.find(({ name }) => name === 'ResNet-8')!;
  const optimized = optimize(await importSource(build(), { path: 'resnet8.onnx' }));
  const options = { samples: 2, techniques: parseTechniques('bias') };
  const { graph: resnet8 } = await quantize(optimized, noise(optimized, 2), options);
  graphs = { digits: (await importFile(await readModelFile(digits))).graph, resnet8 };
});

/** Verifies the C for a target; a small budget, which tries at least one of everything on each step. */
async function verified(name: keyof typeof graphs, target: Target, toolchains: readonly Toolchain[]): Promise<void> {
  const graph = graphs[name];
  const bare = toolchains.some(({ freestanding }) => freestanding);
  const layout: BundleLayout = { ...defaultLayout, runtime: bare ? 'baremetal' : 'hosted' };
  const request = { graph, target, recipe: {}, samples: [], modelHash: '0'.repeat(64), layout, options: {} };
  const options = { samples: [], toolchains, budget: 6e7, progress: silentProgress };
  const result = await verifyCompiled(compileBundle(request), { graph, target }, options);
  expect(result).toMatchObject({ verified: true, mismatches: 0 });
  expect(result.vectors).toBeGreaterThan(graph.nodes.length);
}

describe.each([...targets.values()])('$name', (target) => {
  /** One optimization level each is enough to tell the compilers apart; the host has one anyway. */
  async function eachCompiler(): Promise<readonly Toolchain[]> {
    const all = await verifyToolchains(target);
    const toolchains = all.filter(
      ({ compiler, sanitize, optimization }) => sanitize || optimization === (compiler.kind === 'gcc' ? '-O2' : '-O3'),
    );
    expect(toolchains).toHaveLength(target.triple === 'host' ? 1 : 2);
    return toolchains;
  }

  test('has kernels of its own', () => {
    const { digits: graph } = graphs;
    const selections = selectKernels(graph, target);
    const withWeights = graph.nodes.filter(({ op }) => op.kind === 'conv2d' || op.kind === 'fullyConnected');
    expect(withWeights.map(({ id }) => selections.get(id)!.name)).toEqual(kernels[target.name] ?? narrow);
  });

  test.each(['digits', 'resnet8'] as const)('runs %s byte for byte, by gcc and by clang', async (name) => {
    await verified(name, target, await eachCompiler());
  });
});

test.each(['digits', 'resnet8'] as const)('%s runs without an operating system, by gcc and by clang', async (name) => {
  const toolchains = await bareToolchains(armv8a);
  expect(toolchains.map(({ compiler }) => compiler.kind)).toEqual(['gcc', 'clang']);
  await verified(name, armv8a, toolchains);
});

test('a compiler that was not told of dot products refuses code for them', async () => {
  const { digits: graph } = graphs;
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
