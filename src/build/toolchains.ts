import { invariant } from '../core/diagnostics.ts';
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
  readonly runners: readonly Runner[];
}

const kinds: readonly CompilerKind[] = ['gcc', 'clang'];
const optimizations: readonly Optimization[] = ['-O2', '-O3'];

/**
 * The toolchains under which `verify` checks a target: for a cross target gcc and clang, -O2 and -O3, on each of its CPU
 * models; for the host one compiler with sanitizers. Throws `missing-tool`.
 */
export async function verifyToolchains(target: Target, env: Environment = process.env): Promise<readonly Toolchain[]> {
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
  return runner.kind === 'qemu' ? runner.cpu : 'host';
}
