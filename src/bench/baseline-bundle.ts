import { version } from '../core/version.ts';
import { emitBundle } from '../emit/bundle.ts';
import { writeBundle } from '../emit/write.ts';
import { type Baseline, selectBaseline, withWideRequantization } from '../kernels/baselines.ts';
import { planMemory } from '../plan/plan.ts';
import { harnessPath } from '../verify/golden.ts';
import { renderHarness } from '../verify/harness.ts';
import type { VerifiedProgram } from '../verify/program.ts';

/** Writes the same network with 32-bit accumulators into a folder, with a harness and without vectors. */
export async function writeBaseline(
  dir: string,
  { graph, target, prefix }: VerifiedProgram,
  baseline: Baseline,
): Promise<VerifiedProgram> {
  const wide = withWideRequantization(graph);
  const plan = planMemory(wide, selectBaseline(wide, target, baseline));
  return writeCounted(dir, { graph: wide, target, prefix, plan });
}

/** Writes what counting needs of a program's bundle: no vectors, no network file. */
export async function writeCounted(dir: string, program: VerifiedProgram): Promise<VerifiedProgram> {
  const { graph, plan, target, prefix } = program;
  const options = { graph, plan, target, name: prefix, modelHash: '', toolVersion: version };
  const { files } = emitBundle(options, (info) => [
    { path: harnessPath(prefix), contents: renderHarness({ info, graph, plan }) },
  ]);
  await writeBundle(dir, files);
  return program;
}
