import { join } from 'node:path';
import type { PluginCounts, PluginUse } from '../build/plugin.ts';
import { type Runner, runProgram } from '../build/run.ts';
import { withTempDir } from '../build/temp.ts';
import { runnerName, type Toolchain } from '../build/toolchains.ts';
import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { inputsOf } from '../graph/build.ts';
import { definitionOf } from '../ops/index.ts';
import type { VerifiedProgram } from '../verify/program.ts';
import { buildHarness, findSources } from '../verify/programs.ts';

/** What one run of a step, or of the network, costs. */
export interface InstructionCount {
  readonly instructions: number;
  /** By class: `multiply`, `flush`, `load`, `store`, `other`; their sum is `instructions`. */
  readonly mix: Readonly<Record<string, number>>;
}

export interface StepCount extends InstructionCount {
  readonly step: number;
  readonly name: string;
  /** The kernel's name; for copies `load`, `store` or `constant`. */
  readonly kernel: string;
  /** Multiply-accumulates, padding included; 0 for operators without weights. */
  readonly macs: number;
  /** Absent where there are no multiply-accumulates. */
  readonly instructionsPerMac?: number;
}

export interface CountResult {
  /** E.g. `gcc 12.2.0`. */
  readonly compiler: string;
  readonly opt: string;
  readonly cpu: string;
  readonly steps: readonly StepCount[];
  /** The whole network through its public interface: the steps, borders and what is between them. */
  readonly total: InstructionCount & { readonly macs: number; readonly instructionsPerMac?: number };
}

/**
 * Executed instructions of a bundle, by step, under QEMU: the difference between a run of one repeat and a run of two, so
 * that start-up and the harness cancel out.
 *
 * @param toolchain a cross toolchain; the first of its runners counts (the number is the same on each CPU model)
 * @throws what `build/` throws: `compile-failed`, `plugin-failed`, …
 */
export async function countInstructions(
  dir: string,
  program: VerifiedProgram,
  toolchain: Toolchain,
  progress: Progress = silentProgress,
): Promise<CountResult> {
  const bundle = await findSources(dir, program.prefix);
  const runner = must(
    toolchain.runners.find(({ kind }) => kind === 'qemu'),
    'a runner that counts instructions',
  );
  const { steps } = program.plan;
  return withTempDir(async (work) => {
    progress.start(`count ${toolchain.name}`, steps.length + 2);
    const path = await buildHarness(bundle, toolchain, join(work, 'harness'));
    progress.tick();
    const count = async (args: readonly string[]): Promise<InstructionCount> => {
      const difference = await countRepeat(path, runner, args);
      progress.tick();
      return difference;
    };
    const [whole, ...parts] = await Promise.all([
      count(['--repeat']),
      ...steps.map(({ index }) => count(['--repeat-step', String(index)])),
    ]);
    progress.done();
    const counted = parts.map((part, i) => stepCount(program, i, part));
    const macs = counted.reduce((sum, step) => sum + step.macs, 0);
    return {
      compiler: toolchain.compiler.name,
      opt: toolchain.optimization,
      cpu: runnerName(runner),
      steps: counted,
      total: { ...must(whole, 'total'), macs, ...perMac(must(whole, 'total'), macs) },
    };
  });
}

function stepCount({ graph, plan }: VerifiedProgram, index: number, count: InstructionCount): StepCount {
  const step = must(plan.steps[index], `step ${index}`);
  if (step.kind !== 'layer') {
    const name = step.kind === 'constant' ? step.tensor : step.port.name;
    return { step: index, name, kernel: step.kind, macs: 0, ...count };
  }
  const macs = definitionOf(step.node).reduction?.(step.node, inputsOf(graph, step.node)).macs ?? 0;
  return { step: index, name: step.node.origin.name, kernel: step.kernel.name, macs, ...count, ...perMac(count, macs) };
}

function perMac({ instructions }: InstructionCount, macs: number): { readonly instructionsPerMac?: number } {
  return macs === 0 ? {} : { instructionsPerMac: instructions / macs };
}

const plugin: PluginUse = { args: { mix: 'on' } };

/** What one more repeat of a harness costs; `args` are `--repeat`, or `--repeat-step` and the step. */
export async function countRepeat(program: string, runner: Runner, args: readonly string[]): Promise<InstructionCount> {
  const [once, twice] = await Promise.all([1, 2].map((n) => countRun(program, runner, [...args, String(n)])));
  const [a, b] = [must(once, 'one repeat'), must(twice, 'two repeats')];
  const mix = [...b.classes].map(([name, n]) => [name, n - (a.classes.get(name) ?? 0)] as const);
  return { instructions: b.instructions - a.instructions, mix: Object.fromEntries(mix) };
}

async function countRun(program: string, runner: Runner, args: readonly string[]): Promise<PluginCounts> {
  const { exitCode, counts, stderr } = await runProgram({ runner, program, args, plugin, timeoutMs: 900_000 });
  if (exitCode !== 0) throw invariant(`the harness cannot repeat: ${stderr.trim()}`);
  return must(counts, 'counts');
}
