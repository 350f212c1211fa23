import { invariant, unsupported } from '../core/diagnostics.ts';
import type { CompilerKind, Target } from '../targets/target.ts';
import type { Optimization } from './compile.ts';
import { type Compiler, findCompiler } from './compiler.ts';
import type { Runner } from './run.ts';
import { type Environment, findTool } from './tools.ts';

/** One way to make a program of a bundle, and everywhere it is to run. */
export interface Toolchain {
  /** E.g. `gcc 12.2.0 -O2`. */
  readonly name: string;
  readonly compiler: Compiler;
  readonly optimization: Optimization;
  readonly sanitize: boolean;
  /** Makes a program that needs no operating system, with the bundle's start-up code and linker script. */
  readonly freestanding?: true;
  readonly runners: readonly Runner[];
}

/** Those that a system's packages bring. */
export const defaultCompilers: readonly CompilerKind[] = ['gcc', 'clang'];
const optimizations: readonly Optimization[] = ['-O2', '-O3'];

/**
 * The toolchains under which `verify` checks a target: for a cross target each compiler, -O2 and -O3, on each of its CPU
 * models; for the host one compiler with sanitizers. Throws `missing-tool`.
 */
export async function verifyToolchains(
  target: Target,
  env: Environment = process.env,
  kinds: readonly CompilerKind[] = defaultCompilers,
): Promise<readonly Toolchain[]> {
  if (target.qemu === undefined) return [await hostToolchain(target, env)];
  const runners = await emulators(target, env);
  const compilers = await Promise.all(kinds.map((kind) => findCompiler(kind, target, env)));
  return compilers.flatMap((compiler) =>
    optimizations.map((optimization) => ({
      name: `${compiler.name} ${optimization}`,
      compiler,
      optimization,
      sanitize: false,
      runners,
    })),
  );
}

/** QEMU as each CPU model of a cross target. */
export async function emulators(target: Target, env: Environment = process.env): Promise<readonly Runner[]> {
  if (target.qemu === undefined) throw invariant(`target ${target.name} runs natively`);
  const tool = await findTool(target.qemu, env);
  // Debian's place of a cross C library. The programs are static, so that it may well be absent.
  const sysroot = `/usr/${target.triple}`;
  return target.cpus.map((cpu) => ({ kind: 'qemu', tool, cpu, sysroot }));
}

/**
 * The toolchains for bundles that bring their own start-up code: gcc and clang, where asked for, at -O2, on a board with each CPU model.
 * @throws `missing-tool`; unsupported `no-bare-metal` for what is not AArch64
 */
export async function bareToolchains(
  target: Target,
  env: Environment = process.env,
  kinds: readonly CompilerKind[] = defaultCompilers,
): Promise<readonly Toolchain[]> {
  requireBareMetal(target);
  const tool = await findTool('qemu-system-aarch64', env);
  // zig compiles for Linux here.
  const bare = kinds.filter((kind) => kind !== 'zig');
  const compilers = await Promise.all(bare.map((kind) => findCompiler(kind, target, env)));
  return compilers.map((compiler) => ({
    name: `${compiler.name} -O2 without an operating system`,
    compiler,
    optimization: '-O2',
    sanitize: false,
    freestanding: true,
    runners: target.cpus.map((cpu) => ({ kind: 'board', tool, cpu })),
  }));
}

/** @throws unsupported `no-bare-metal` */
export function requireBareMetal(target: Target): void {
  if (target.triple === 'aarch64-linux-gnu') return;
  throw unsupported({
    code: 'no-bare-metal',
    message: `there is no start-up code for ${target.name}`,
    place: '--runtime',
    hint: 'Use --runtime baremetal with a 64-bit target, e.g. --target armv8-a.',
  });
}

async function hostToolchain(target: Target, env: Environment): Promise<Toolchain> {
  const compiler = await findCompiler('gcc', target, env);
  return {
    name: `${compiler.name} -O2 with ASan and UBSan`,
    compiler,
    optimization: '-O2',
    sanitize: true,
    runners: [{ kind: 'native' }],
  };
}

/** How a runner is named in results: `cortex-a53`, or `host`. */
export function runnerName(runner: Runner): string {
  switch (runner.kind) {
    case 'qemu':
      return runner.cpu;
    case 'board':
      return `${runner.cpu} (bare metal)`;
    case 'native':
      return 'host';
  }
}
