import type { CompilerKind, Target } from '../targets/target.ts';
import { execute } from './execute.ts';
import type { ToolId } from './tool-table.ts';
import { compilerKindOf, type Environment, findTool, type Tool } from './tools.ts';

/** A C compiler, made ready for a target. */
export interface Compiler {
  /** E.g. `gcc 12.2.0`. */
  readonly name: string;
  readonly kind: CompilerKind;
  readonly tool: Tool;
  readonly target: Target;
  /** The flags of every compilation: language, warnings, target. */
  readonly flags: readonly string[];
}

/** The dialect and warnings that generated code promises to be clean under (DESIGN §8). */
export const strictFlags: readonly string[] = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Werror'];

/** Without it a compiler converts between vector types silently. Older compilers for some targets do not know it. */
const noLaxConversions = '-fno-lax-vector-conversions';

/** zig traps on what a sanitizer finds unless it optimizes: a program for a board would not. */
const zigFlags: readonly string[] = ['-fno-sanitize=undefined'];

/** Finds the compiler of that kind for a target; for the host's target, the host's compiler whatever its kind. */
export async function findCompiler(
  kind: CompilerKind,
  target: Target,
  env: Environment = process.env,
): Promise<Compiler> {
  return makeCompiler(await findTool(compilerOf(kind, target), env), target, env);
}

function compilerOf(kind: CompilerKind, { triple }: Target): ToolId {
  if (triple === 'host') return 'host-cc';
  if (kind === 'clang') return 'cross-clang';
  if (kind === 'zig') return 'zig';
  return triple === 'arm-linux-gnueabihf' ? 'cross-gcc-armv7' : 'cross-gcc';
}

async function makeCompiler(tool: Tool, target: Target, env: Environment): Promise<Compiler> {
  const kind = compilerKindOf(tool);
  const base = [...target.cflags(kind), ...(kind === 'zig' ? zigFlags : [])];
  const lax = (await accepts(tool, [...base, noLaxConversions], env)) ? [noLaxConversions] : [];
  // Its version is that of the clang in it.
  const name = kind === 'zig' ? `zig (clang ${tool.version})` : `${kind} ${tool.version}`;
  return { name, kind, tool, target, flags: [...strictFlags, ...lax, ...base] };
}

async function accepts(tool: Tool, flags: readonly string[], env: Environment): Promise<boolean> {
  // Every zig has a clang that knows it.
  if (compilerKindOf(tool) === 'zig') return true;
  // clang only warns about a flag it does not know.
  const args = [...tool.args, ...flags, '-Werror', '-fsyntax-only', '-x', 'c', '/dev/null'];
  const outcome = await execute({ command: tool.command, args, env, timeoutMs: 60_000 });
  return outcome.exitCode === 0;
}
