import type { Optimization } from '../build/compile.ts';
import { type Compiler, findCompiler } from '../build/compiler.ts';
import { execute } from '../build/execute.ts';
import type { Runner } from '../build/run.ts';
import { bareToolchains, emulators, type Toolchain, verifyToolchains } from '../build/toolchains.ts';
import { reject } from '../core/diagnostics.ts';
import type { CompilerKind, Target } from '../targets/target.ts';

/** Under what a bundle's vectors are replayed. */
export interface Matrix {
  readonly compilers: readonly CompilerKind[];
  readonly optimizations: readonly Optimization[];
  /** CPU models; those that QEMU does not know, or that cannot run a target's code, are left out. */
  readonly cpus: readonly string[];
}

/** In order and out of order, old and new, and everything that QEMU knows. */
export const regressCpus = ['cortex-a53', 'cortex-a55', 'cortex-a72', 'cortex-a76', 'cortex-a710', 'max'] as const;

/** A toolchain of the matrix, and how its programs are called in results. */
export interface MatrixToolchain {
  readonly build: string;
  readonly toolchain: Toolchain;
}

/**
 * The toolchains for bundles of a target, each with every CPU model; for bundles that bring start-up code, also without an
 * operating system. Throws `missing-tool`.
 */
export async function matrixToolchains(target: Target, bare: boolean, matrix: Matrix): Promise<MatrixToolchain[]> {
  if (target.qemu === undefined) {
    return (await verifyToolchains(target)).map((toolchain) => ({ build: 'host, ASan and UBSan', toolchain }));
  }
  const runners = await runnersOf(target, matrix);
  const compilers = await Promise.all(matrix.compilers.map((kind) => findCompiler(kind, target)));
  const hosted = compilers.flatMap((compiler) =>
    matrix.optimizations.map((optimization) => ({
      build: `${compiler.kind} ${optimization}`,
      toolchain: hostedToolchain(compiler, optimization, runners),
    })),
  );
  if (!bare) return hosted;
  const boards = await bareToolchains(target, process.env, matrix.compilers);
  const alone = boards.map((toolchain) => ({
    build: `${toolchain.compiler.kind} ${toolchain.optimization}, bare metal`,
    toolchain: { ...toolchain, runners: toolchain.runners.filter((r) => r.kind === 'board' && wanted(r.cpu, matrix)) },
  }));
  return [...hosted, ...alone.filter(({ toolchain }) => toolchain.runners.length > 0)];
}

function hostedToolchain(compiler: Compiler, optimization: Optimization, runners: readonly Runner[]): Toolchain {
  return { name: `${compiler.name} ${optimization}`, compiler, optimization, sanitize: false, runners };
}

function wanted(cpu: string, { cpus }: Matrix): boolean {
  return cpus.includes(cpu);
}

/** QEMU as every wanted CPU model on which the target's code runs: on all of them for code of the oldest. */
async function runnersOf(target: Target, matrix: Matrix): Promise<readonly Runner[]> {
  const [first, ...others] = await emulators(target);
  if (first?.kind !== 'qemu') return [];
  const known = await knownCpus(first.tool.command, first.tool.args);
  const any = target.triple === 'aarch64-linux-gnu' && target.features.join() === 'neon';
  const cpus = any ? matrix.cpus : target.cpus.filter((cpu) => wanted(cpu, matrix) || target.qemu !== 'qemu-aarch64');
  const runners = cpus.filter((cpu) => known.has(cpu)).map((cpu): Runner => ({ ...first, cpu }));
  return runners.length > 0 ? runners : [first, ...others];
}

/**
 * The wanted CPU models that the installed QEMU does not know (7.2: Cortex-A55 and A710): nothing runs on them.
 * @returns in words, undefined where it knows them all
 * @throws reject `unknown-cpu` where it knows none
 */
export async function lackingCpus(targets: readonly Target[], { cpus }: Matrix): Promise<string | undefined> {
  const target = targets.find(({ qemu }) => qemu === 'qemu-aarch64');
  const [first] = target === undefined ? [] : await emulators(target);
  if (first?.kind !== 'qemu') return undefined;
  const known = await knownCpus(first.tool.command, first.tool.args);
  const lacking = cpus.filter((cpu) => !known.has(cpu));
  if (lacking.length === cpus.length) throw noCpu(first.tool.version, cpus);
  return lacking.length === 0 ? undefined : `QEMU ${first.tool.version} has no ${lacking.join(', no ')}: left out`;
}

async function knownCpus(qemu: string, args: readonly string[]): Promise<ReadonlySet<string>> {
  const help = await execute({ command: qemu, args: [...args, '-cpu', 'help'], timeoutMs: 20_000 });
  return new Set(new TextDecoder().decode(help.stdout).split(/\s+/));
}

function noCpu(version: string, cpus: readonly string[]) {
  return reject({
    code: 'unknown-cpu',
    message: `QEMU ${version} has no ${cpus.join(', no ')}: nothing would run`,
    place: '--cpus',
    hint: 'Name CPU models that "qemu-aarch64 -cpu help" lists.',
  });
}
