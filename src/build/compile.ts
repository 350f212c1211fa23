import { basename, dirname, join } from 'node:path';
import { failed, type NeonarrowError } from '../core/diagnostics.ts';
import type { Compiler } from './compiler.ts';
import { causeOf, execute, type Outcome, trimmedLines } from './execute.ts';

export type Optimization = '-O0' | '-O1' | '-O2' | '-O3' | '-Os';

/** C files to compile, all with the same compiler and flags. */
export interface Compilation {
  readonly compiler: Compiler;
  readonly optimization: Optimization;
  /** Paths of `.c` and `.S` files. */
  readonly sources: readonly string[];
  /** Where objects and program are written; must exist. */
  readonly outDir: string;
  readonly includeDirs?: readonly string[];
  /** `true` defines without a value. */
  readonly defines?: Readonly<Record<string, string | number | true>>;
  /** AddressSanitizer and UndefinedBehaviorSanitizer; the first finding ends the program. */
  readonly sanitize?: boolean;
  /** For a program without operating system and library: its linker script. */
  readonly linkerScript?: string;
  /** After all others, so that they win. */
  readonly extraFlags?: readonly string[];
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g1'];

/** Without them a compiler may take for granted what a C library or an operating system does. */
const freestanding = ['-ffreestanding', '-fno-pic', '-fno-stack-protector', '-fno-asynchronous-unwind-tables'];

/**
 * Compiles the sources in parallel. Returns the objects' paths, in the sources' order.
 * Throws `compile-failed` for the first source that does not compile, with the command and the compiler's messages.
 */
export async function compileObjects(compilation: Compilation): Promise<readonly string[]> {
  const flags = compileFlags(compilation);
  const results = await Promise.allSettled(
    compilation.sources.map(async (source, index) => {
      // Two folders may hold files of the same name.
      const object = join(compilation.outDir, `${index}-${basename(source)}.o`);
      // The files that assembly includes lie next to it.
      const own = source.endsWith('.S') ? [`-I${dirname(source)}`] : [];
      const outcome = await runCompiler(compilation, [...flags, ...own, '-c', source, '-o', object]);
      if (outcome.exitCode !== 0) throw compileFailed(compilation, 'could not compile', source, outcome);
      return object;
    }),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Compiles the sources and links them with `objects` into the program `name`. Returns its path. */
export async function compileProgram(
  compilation: Compilation,
  name: string,
  objects: readonly string[] = [],
): Promise<string> {
  return linkProgram(compilation, name, [...(await compileObjects(compilation)), ...objects]);
}

/** Links objects into the program `name`: statically for a cross target, so that it runs anywhere. Returns its path. */
export async function linkProgram(compilation: Compilation, name: string, objects: readonly string[]): Promise<string> {
  const { compiler, outDir, linkerScript } = compilation;
  const program = join(outDir, name);
  const cross = compiler.target.triple !== 'host';
  const flags = [
    ...linkFlags(compiler),
    ...(cross ? ['-static'] : []),
    ...(linkerScript === undefined ? [] : ['-nostdlib', '-no-pie', '-Wl,--build-id=none', '-T', linkerScript]),
    ...(compilation.sanitize ? sanitizers : []),
  ];
  const outcome = await runCompiler(compilation, [
    ...flags,
    ...objects,
    '-o',
    program,
    ...(linkerScript === undefined ? ['-lm'] : []),
  ]);
  if (outcome.exitCode !== 0) throw compileFailed(compilation, 'could not link', program, outcome);
  return program;
}

/** zig makes its C library, which takes a minute, for each processor that it is told: the oldest one's serves all. */
function linkFlags({ kind, target }: Compiler): readonly string[] {
  const flags = target.cflags(kind);
  return kind === 'zig' ? flags.filter((flag) => !flag.startsWith('-mcpu=')) : flags;
}

function compileFlags(compilation: Compilation): readonly string[] {
  const {
    compiler,
    optimization,
    includeDirs = [],
    defines = {},
    sanitize,
    linkerScript,
    extraFlags = [],
  } = compilation;
  return [
    ...compiler.flags,
    optimization,
    ...(sanitize ? sanitizers : []),
    ...(linkerScript === undefined ? [] : freestanding),
    ...includeDirs.map((dir) => `-I${dir}`),
    ...Object.entries(defines).map(([name, value]) => (value === true ? `-D${name}` : `-D${name}=${value}`)),
    ...extraFlags,
  ];
}

/** The first program that zig links waits for its C library. */
const firstZigMs = 900_000;

async function runCompiler(compilation: Compilation, args: readonly string[]): Promise<Outcome> {
  const { tool } = compilation.compiler;
  return execute({
    command: tool.command,
    args: [...tool.args, ...args],
    timeoutMs: compilation.timeoutMs ?? (compilation.compiler.kind === 'zig' ? firstZigMs : 300_000),
    ...(compilation.cwd === undefined ? {} : { cwd: compilation.cwd }),
  });
}

function compileFailed(compilation: Compilation, what: string, file: string, outcome: Outcome): NeonarrowError {
  const { compiler, optimization } = compilation;
  const missingHeader = /fatal error: '?(?:std\w+|string|arm_neon|bits\/[\w/-]+|gnu\/[\w/-]+)\.h'?/.test(
    outcome.stderr,
  );
  return failed({
    code: 'compile-failed',
    message: `${compiler.name} ${optimization} for ${compiler.target.name} ${what} ${basename(file)}`,
    place: file,
    details: [`command: ${outcome.commandLine}`, ...trimmedLines(outcome.stderr), `cause: ${causeOf(outcome)}`],
    ...(missingHeader ? { hint: 'the C library\'s headers for this target are missing; run "neonarrow doctor"' } : {}),
  });
}
