import { copyFile, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { countRepeat } from '../bench/count.ts';
import { type Runner, runProgram } from '../build/run.ts';
import { withTempDir } from '../build/temp.ts';
import { runnerName, type Toolchain } from '../build/toolchains.ts';
import { NeonarrowError, reject } from '../core/diagnostics.ts';
import { sha256 } from '../emit/manifest.ts';
import { findTarget } from '../targets/find.ts';
import type { Target } from '../targets/target.ts';
import { alteredFiles } from '../verify/altered.ts';
import { goldenPath } from '../verify/golden.ts';
import { readManifest } from '../verify/load.ts';
import { type BundleSources, buildHarness, checkObjects, findSources, type ProgramMemory } from '../verify/programs.ts';
import { parseReport } from '../verify/result.ts';
import type { ProgramResult, ReplayRun } from './result.ts';

/** A bundle with what replaying its vectors needs. */
export interface ReplayedBundle {
  readonly sources: BundleSources;
  readonly target: Target;
  readonly arenaBytes: number;
  readonly vectors: string;
  /** SHA-256 of the vectors. */
  readonly expected: string;
  /** Files that are not as they were generated. */
  readonly altered: readonly string[];
}

/** @throws reject `not-a-bundle`, `incomplete-bundle`, `unknown-target` */
export async function openBundle(dir: string): Promise<ReplayedBundle> {
  const { prefix, target, arena, files } = await readManifest(dir);
  const sources = await findSources(dir, prefix);
  const vectors = join(dir, goldenPath(prefix));
  const contents = await readFile(vectors).catch((error: unknown) => {
    const hint = 'Generate the bundle again with "neonarrow compile".';
    throw reject({ code: 'incomplete-bundle', message: 'there are no golden vectors', place: vectors, hint }, error);
  });
  const altered = await alteredFiles(dir, files);
  return { sources, target: findTarget(target), arenaBytes: arena.bytes, vectors, expected: sha256(contents), altered };
}

/** Large networks, unoptimized, on a loaded machine. */
const timeoutMs = 900_000;

/**
 * Compiles a bundle in one way, replays its golden vectors on each CPU model, and measures. What does not compile, crashes
 * or needs too long is a result too: the others of the matrix go on.
 */
export async function replay(
  bundle: ReplayedBundle,
  build: string,
  toolchain: Toolchain,
  count: boolean,
): Promise<ProgramResult> {
  const { sources, target, expected, altered } = bundle;
  const identity = {
    bundle: sources.dir,
    target: target.name,
    build,
    compiler: toolchain.compiler.name,
    expected,
    ...(altered.length > 0 && { altered: [...altered] }),
  };
  return withTempDir(async (work) => {
    // Semihosting's command lines are cut at spaces, which this path has none of.
    const vectors = join(work, 'golden.vectors');
    await copyFile(bundle.vectors, vectors);
    try {
      const [program, size] = await allEnded([
        buildHarness(sources, toolchain, join(work, 'harness')),
        checkObjects(sources, toolchain, join(work, 'objects')),
      ]);
      const counter = count ? toolchain.runners.find(({ kind }) => kind === 'qemu') : undefined;
      const [counted, ...runs] = await allEnded([
        counter && countRepeat(program, counter, ['--repeat']),
        ...toolchain.runners.map((runner) => replayOn(runner, program, vectors)),
      ]);
      return {
        ...identity,
        ...(counted && { instructions: counted.instructions }),
        memory: memoryOf(size, bundle),
        runs,
      };
    } catch (error) {
      return { ...identity, runs: toolchain.runners.map((runner) => failure(runner, error, work)) };
    }
  });
}

/** `Promise.all`, but a failure waits for the others to end: the folder that they write to is removed after it. */
async function allEnded<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

function memoryOf({ code, constants, data, stack }: ProgramMemory, { arenaBytes: arena }: ReplayedBundle) {
  return { code, constants, data, arena, ...(stack !== undefined && { stack }) };
}

async function replayOn(runner: Runner, program: string, vectors: string): Promise<ReplayRun> {
  try {
    const { stdout, stderr, exitCode } = await runProgram({ runner, program, args: [vectors], timeoutMs });
    const report = parseReport(new TextDecoder().decode(stdout));
    if (report === undefined) throw new Error(`the harness ended with code ${exitCode}: ${stderr.trim()}`);
    const { mismatches, first } = report;
    const ok = exitCode === 0 && mismatches === 0 && report.vectors > 0;
    return { cpu: runnerName(runner), ok, vectors: report.vectors, mismatches, ...(first !== undefined && { first }) };
  } catch (error) {
    return failure(runner, error, dirname(vectors));
  }
}

/** @param work a temporary folder, whose name is not for the results */
function failure(runner: Runner, error: unknown, work: string): ReplayRun {
  const known = error instanceof NeonarrowError && error.kind === 'failed';
  if (!known && !(error instanceof Error && error.constructor === Error)) throw error;
  const details = error instanceof NeonarrowError ? (error.details ?? []) : [];
  return {
    cpu: runnerName(runner),
    ok: false,
    vectors: 0,
    mismatches: 0,
    first: [error.message, ...details].join('\n').replaceAll(work, 'WORK'),
  };
}
