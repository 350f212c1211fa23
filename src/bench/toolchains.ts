import type { Optimization } from '../build/compile.ts';
import { findCompiler } from '../build/compiler.ts';
import { canCountInstructions, pluginHint } from '../build/plugin.ts';
import { emulators, type Toolchain } from '../build/toolchains.ts';
import { type Environment, lookForTool } from '../build/tools.ts';
import { missingTool, reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Target } from '../targets/target.ts';

/** The clang that is measured where it is installed and NEONARROW_CLANG names no other. */
const preferredClang = 'clang-19';

/**
 * gcc and clang for a cross target, at one optimization level, on the first of its CPU models: counts do not depend on it.
 * @throws missingTool `cannot-count` without a QEMU with plugins; reject `no-counting` for a target that runs natively
 */
export async function benchToolchains(
  target: Target,
  optimization: Optimization,
  env: Environment = process.env,
): Promise<readonly Toolchain[]> {
  if (target.qemu === undefined) {
    throw reject({
      code: 'no-counting',
      message: `instructions of target ${target.name} cannot be counted`,
      place: '--target',
      hint: 'Generate the bundle for a cross target, e.g. --target armv8-a.',
    });
  }
  if (!(await canCountInstructions(env))) {
    throw missingTool({
      code: 'cannot-count',
      message: 'executed instructions cannot be counted here',
      place: 'bench',
      hint: pluginHint,
    });
  }
  const runner = must((await emulators(target, env))[0], 'emulator');
  const newest = { ...env, NEONARROW_CLANG: preferredClang };
  const named = env['NEONARROW_CLANG'] !== undefined;
  const clangEnv = !named && (await lookForTool('cross-clang', newest)) !== undefined ? newest : env;
  const compilers = [await findCompiler('gcc', target, env), await findCompiler('clang', target, clangEnv)];
  return compilers.map((compiler) => ({
    name: `${compiler.name} ${optimization}`,
    compiler,
    optimization,
    sanitize: false,
    runners: [runner],
  }));
}
