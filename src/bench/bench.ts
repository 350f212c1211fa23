import { join } from 'node:path';
import type { Optimization } from '../build/compile.ts';
import { withTempDir } from '../build/temp.ts';
import type { Toolchain } from '../build/toolchains.ts';
import { lookForTool, type Tool } from '../build/tools.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { stepName } from '../emit/layer.ts';
import { functionName } from '../emit/names.ts';
import type { Baseline } from '../kernels/baselines.ts';
import type { Target } from '../targets/target.ts';
import type { VerifiedProgram } from '../verify/program.ts';
import { findSources, harnessAssembly } from '../verify/programs.ts';
import { writeBaseline } from './baseline-bundle.ts';
import { type CountResult, countInstructions, type InstructionCount, type StepCount } from './count.ts';
import { hotLoopOf } from './hot-loop.ts';
import { type Cycles, modelCycles, modelledCpus } from './model-cycles.ts';
import { benchToolchains } from './toolchains.ts';

/** `neonarrow` is the program as it was generated. */
export type Variant = 'neonarrow' | Baseline;

export interface LayerBench extends StepCount {
  /** What the kernel's cost model said before anything was compiled; absent for copies. */
  readonly predicted?: number;
  /**
   * Modelled, of the hot loop only: its cycles an iteration, times the iterations that the counted multiplications need.
   * Absent without llvm-mca, and where no loop multiplies.
   */
  readonly cyclesPerMac?: Cycles;
}

/** A network, compiled by one compiler. */
export interface BenchRun {
  readonly variant: Variant;
  readonly compiler: string;
  readonly opt: string;
  readonly layers: readonly LayerBench[];
  readonly total: InstructionCount & {
    readonly macs: number;
    readonly instructionsPerMac?: number;
    readonly cyclesPerMac?: Cycles;
  };
}

export interface BenchResult {
  /** The program's first, then the baselines'; each by gcc, then clang. */
  readonly runs: readonly BenchRun[];
  /** What is missing, and why. */
  readonly notes: readonly string[];
}

export interface BenchOptions {
  readonly optimization?: Optimization;
  readonly baselines?: readonly Baseline[];
  readonly progress?: Progress;
}

/**
 * Counts the executed instructions of each layer under QEMU, by gcc and clang, and models the cycles of the hot loops.
 * @throws as `benchToolchains` and `countInstructions`
 */
export async function benchProgram(
  dir: string,
  program: VerifiedProgram,
  { optimization = '-O2', baselines = [], progress = silentProgress }: BenchOptions = {},
): Promise<BenchResult> {
  const toolchains = await benchToolchains(program.target, optimization);
  const note = unmodelled(program.target);
  const mca = note === undefined ? await lookForTool('llvm-mca') : undefined;
  return withTempDir(async (work) => {
    const programs: { variant: Variant; dir: string; program: VerifiedProgram }[] = [
      { variant: 'neonarrow', dir, program },
    ];
    for (const baseline of baselines) {
      const folder = join(work, baseline);
      programs.push({ variant: baseline, dir: folder, program: await writeBaseline(folder, program, baseline) });
    }
    const runs: BenchRun[] = [];
    for (const { variant, ...rest } of programs) {
      for (const toolchain of toolchains) runs.push(await benchRun(variant, rest, toolchain, mca, progress));
    }
    return { runs, notes: mca === undefined ? [note ?? 'no modelled cycles: llvm-mca is not installed'] : [] };
  });
}

/** Why no cycles are modelled for a target: the cores that are modelled lack what it asks for. */
function unmodelled(target: Target): string | undefined {
  if (target.triple === 'arm-linux-gnueabihf') return 'no modelled cycles: only 64-bit cores are modelled';
  const newer = target.features.filter((feature) => feature !== 'neon');
  return newer.length === 0
    ? undefined
    : `no modelled cycles: ${modelledCpus.join(', ')} are not all cores of ${target.name}`;
}

async function benchRun(
  variant: Variant,
  { dir, program }: { readonly dir: string; readonly program: VerifiedProgram },
  toolchain: Toolchain,
  mca: Tool | undefined,
  progress: Progress,
): Promise<BenchRun> {
  const counted = await countInstructions(dir, program, toolchain, progress);
  const cycles = mca === undefined ? [] : await modelled(dir, program, toolchain, mca, counted);
  const layers = counted.steps.map((step, i): LayerBench => {
    const predicted = predictedOf(program, i);
    const cyclesPerMac = cycles[i] === undefined ? undefined : scaled(cycles[i], 1 / step.macs);
    return { ...step, ...(predicted === undefined ? {} : { predicted }), ...(cyclesPerMac && { cyclesPerMac }) };
  });
  const known = cycles.filter((c) => c !== undefined);
  const sum = known.length === 0 ? undefined : scaled(known.reduce(added), 1 / counted.total.macs);
  const { compiler, opt, total } = counted;
  return { variant, compiler, opt, layers, total: { ...total, ...(sum && { cyclesPerMac: sum }) } };
}

/** Cycles of each step's hot loop over a whole run. */
async function modelled(
  dir: string,
  { prefix, plan }: VerifiedProgram,
  toolchain: Toolchain,
  mca: Tool,
  { steps }: CountResult,
): Promise<readonly (Cycles | undefined)[]> {
  const bundle = await findSources(dir, prefix);
  const assembly = await withTempDir((work) => harnessAssembly(bundle, toolchain, work));
  const loops = steps.map(({ macs }, i) => {
    const name = functionName(prefix, i, plan.steps.length, stepName(must(plan.steps[i], `step ${i}`)));
    return macs === 0 ? undefined : hotLoopOf(assembly, name);
  });
  const found = loops.flatMap((loop) => loop ?? []);
  const cycles = await modelCycles(mca, found);
  return loops.map((loop, i) => {
    if (loop === undefined) return undefined;
    const perIteration = must(cycles[found.indexOf(loop)], 'cycles');
    return scaled(perIteration, (steps[i]?.mix['multiply'] ?? 0) / loop.multiplies);
  });
}

function predictedOf({ graph, plan, target }: VerifiedProgram, index: number): number | undefined {
  const step = must(plan.steps[index], `step ${index}`);
  return step.kind === 'layer' ? Math.round(step.kernel.cost(step.node, graph, target).instructions) : undefined;
}

function scaled(cycles: Cycles, factor: number): Cycles {
  return Object.fromEntries(modelledCpus.map((cpu) => [cpu, cycles[cpu] * factor])) as Cycles;
}

function added(a: Cycles, b: Cycles): Cycles {
  return Object.fromEntries(modelledCpus.map((cpu) => [cpu, a[cpu] + b[cpu]])) as Cycles;
}

/** The run of a variant that takes the fewest instructions: the compiler that a user would choose. */
export function bestRun({ runs }: BenchResult, variant: Variant = 'neonarrow'): BenchRun {
  const own = runs.filter((run) => run.variant === variant);
  const [first] = own.toSorted((a, b) => a.total.instructions - b.total.instructions);
  return must(first, `a run of ${variant}`);
}
