import { join } from 'node:path';
import { type Runner, runProgram } from '../build/run.ts';
import { withTempDir } from '../build/temp.ts';
import { bareToolchains, defaultCompilers, runnerName, type Toolchain, verifyToolchains } from '../build/toolchains.ts';
import { failed } from '../core/diagnostics.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { portable } from '../targets/portable.ts';
import type { CompilerKind, Target } from '../targets/target.ts';
import { describeCoverage } from './coverage.ts';
import { loadBundle } from './load.ts';
import type { VerifiedProgram } from './program.ts';
import { buildHarness, checkObjects, findSources } from './programs.ts';
import { parseMismatch, parseReport, type StackUse, type VerifyResult, type VerifyRun } from './result.ts';
import { testSteps } from './steps.ts';
import { planVectors, type Sample, vectorCount } from './vectors.ts';
import { type WrittenVectors, writeVectors } from './write-vectors.ts';

export interface VerifyOptions {
  /** Real samples: int8, channels last. */
  readonly samples: readonly Sample[];
  readonly seed?: number;
  /** Multiply-accumulates of all vectors of one run. */
  readonly budget?: number;
  /** Those of the target by `compilers`, and the host's with sanitizers, where absent. */
  readonly toolchains?: readonly Toolchain[];
  /** gcc and clang where absent. */
  readonly compilers?: readonly CompilerKind[];
  readonly progress?: Progress;
}

/** About four seconds of one core under QEMU, and as much for the reference (measured on All-CNN-C). */
export const defaultBudget = 2e9;

/** Large networks under sanitizers, on a loaded machine. */
const runTimeoutMs = 900_000;

/**
 * Verifies a bundle by what its folder holds: its own quantized network and, unless others are given, its own samples.
 * @throws as `loadBundle` and `verifyProgram`
 */
export async function verifyBundle(dir: string, options: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const bundle = await loadBundle(dir);
  return verifyProgram(dir, bundle, { ...options, samples: options.samples ?? bundle.samples });
}

/**
 * Compiles a bundle with each toolchain and compares every byte of every step with the reference, on real samples, seeded
 * random inputs, and inputs that attain the accumulators' bounds (DESIGN §9). The portable C runs on this machine, under
 * sanitizers. The symbols are checked too.
 *
 * @param dir the bundle's folder
 * @throws reject `incomplete-bundle`; failed `compile-failed`, `bad-symbols`, `sanitizer-report`, `emulator-crashed`,
 *   `harness-failed` and what else `build/` throws. A difference is no error: see the result
 */
export async function verifyProgram(
  dir: string,
  program: VerifiedProgram,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const { samples, seed = 1, budget = defaultBudget, progress = silentProgress } = options;
  const { graph, plan, prefix, target } = program;
  const bundle = await findSources(dir, prefix);
  const bare = bundle.baremetal.length > 0;
  const toolchains = options.toolchains ?? (await allToolchains(target, bare, options.compilers));
  const steps = testSteps(graph, plan);
  const vectorPlan = planVectors(graph, steps, { samples, seed, budget });
  const runCount = toolchains.reduce((sum, { runners }) => sum + runners.length, 0);
  progress.start('verify', vectorCount(vectorPlan) + toolchains.length + runCount);
  const { runs: outcomes, stack } = await withTempDir(async (work) => {
    // Compilers work while this process computes the expected bytes.
    const objects = firstOfEachCompiler(toolchains).map(async (toolchain, i): Promise<readonly StackUse[]> => {
      const { stack: bytes } = await checkObjects(bundle, toolchain, join(work, `objects${i}`));
      return bytes === undefined ? [] : [{ compiler: toolchain.compiler.name, opt: toolchain.optimization, bytes }];
    });
    const programs = toolchains.map(async (toolchain, i) => {
      const path = await buildHarness(bundle, toolchain, join(work, String(i)));
      progress.tick();
      return path;
    });
    const vectors = writeVectors(join(work, 'vectors.bin'), graph, steps, vectorPlan, progress);
    const checks = toolchains.flatMap((toolchain, i) =>
      toolchain.runners.map(async (runner) => {
        const [path, written] = await Promise.all([programs[i]!, vectors]);
        const outcome = await checkRun(dir, toolchain, runner, path, written);
        progress.tick();
        return outcome;
      }),
    );
    // All of them end before the folder goes, whatever fails.
    const settled = await Promise.allSettled([...objects, ...programs, vectors, ...checks]);
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
    return { runs: await Promise.all(checks), stack: (await Promise.all(objects)).flat() };
  });
  progress.done();
  for (const line of describeCoverage(vectorPlan.coverage)) progress.log(line);
  return { ...summarize(outcomes, vectorPlan.coverage), stack };
}

/**
 * The toolchains of a target, where it brings what it needs those without an operating system, and the host's with
 * sanitizers for its portable C. Throws `missing-tool`.
 */
export async function allToolchains(
  target: Target,
  bare = false,
  kinds: readonly CompilerKind[] = defaultCompilers,
): Promise<readonly Toolchain[]> {
  const own = [
    ...(await verifyToolchains(target, process.env, kinds)),
    ...(bare ? await bareToolchains(target, process.env, kinds) : []),
  ];
  return target.triple === 'host' ? own : [...own, ...(await verifyToolchains(portable))];
}

/** Sanitizers fill the stack with their own. */
function firstOfEachCompiler(toolchains: readonly Toolchain[]): readonly Toolchain[] {
  const plain = toolchains.filter(({ sanitize, freestanding }) => !sanitize && !freestanding);
  const candidates = plain.length > 0 ? plain : toolchains.map((toolchain) => ({ ...toolchain, sanitize: false }));
  return candidates.filter(({ compiler }, i) => candidates.findIndex((t) => t.compiler.name === compiler.name) === i);
}

interface RunOutcome {
  readonly run: VerifyRun;
  readonly vectors: WrittenVectors;
  readonly bytes: number;
  readonly first?: string;
}

async function checkRun(
  dir: string,
  toolchain: Toolchain,
  runner: Runner,
  program: string,
  vectors: WrittenVectors,
): Promise<RunOutcome> {
  const result = await runProgram({ runner, program, args: [vectors.path], timeoutMs: runTimeoutMs });
  const stdout = new TextDecoder().decode(result.stdout);
  const report = parseReport(stdout);
  if (report === undefined || result.exitCode > 1 || report.vectors !== vectors.descriptions.length) {
    throw failed({
      code: 'harness-failed',
      message: `the test program of ${toolchain.name} on ${runnerName(runner)} ended with code ${result.exitCode}`,
      place: dir,
      details: `${stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== ''),
      hint: 'If another version of neonarrow made this bundle, generate it again.',
    });
  }
  const { compiler, optimization, sanitize } = toolchain;
  const run: VerifyRun = {
    compiler: compiler.name,
    opt: optimization,
    cpu: runnerName(runner),
    sanitized: sanitize,
    ok: report.mismatches === 0 && result.exitCode === 0,
    mismatches: report.mismatches,
    milliseconds: Math.round(result.milliseconds),
  };
  return { run, vectors, bytes: report.bytes, ...(report.first === undefined ? {} : { first: report.first }) };
}

function summarize(outcomes: readonly RunOutcome[], coverage: VerifyResult['coverage']): Omit<VerifyResult, 'stack'> {
  const wrong = outcomes.find(({ run }) => !run.ok);
  const descriptions = outcomes[0]?.vectors.descriptions ?? [];
  const first = wrong?.first === undefined ? undefined : parseMismatch(wrong.first, wrong.run, descriptions);
  return {
    verified: wrong === undefined && descriptions.length > 0,
    mismatches: outcomes.reduce((sum, { run }) => sum + run.mismatches, 0),
    vectors: descriptions.length,
    bytes: outcomes[0]?.bytes ?? 0,
    runs: outcomes.map(({ run }) => run),
    ...(first === undefined ? {} : { firstMismatch: first }),
    coverage,
  };
}
