import { emitBundle } from '../../src/emit/bundle.ts';
import { type BundleLayout, defaultLayout } from '../../src/emit/layout.ts';
import { writeBundle } from '../../src/emit/write.ts';
import type { Graph } from '../../src/graph/types.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { testFiles } from '../../src/verify/golden.ts';
import type { VerifiedProgram } from '../../src/verify/program.ts';
import type { Sample } from '../../src/verify/vectors.ts';

/** Emits a quantized graph for AArch64 into a folder. */
export async function writeTestBundle(
  dir: string,
  graph: Graph,
  samples: readonly Sample[] = [],
  layout: Partial<BundleLayout> = {},
): Promise<VerifiedProgram> {
  const modelHash = '0123456789abcdef'.repeat(4);
  const plan = planMemory(graph, selectKernels(graph, armv8a));
  const { prefix, files } = emitBundle(
    { graph, plan, target: armv8a, modelHash, toolVersion: '0.0.0', layout: { ...defaultLayout, ...layout } },
    (info) => testFiles(graph, plan, info, samples),
  );
  await writeBundle(dir, files);
  return { prefix, graph, plan, target: armv8a };
}
