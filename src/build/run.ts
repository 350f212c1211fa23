import { dirname, join } from 'node:path';
import { failed, type NeonarrowError } from '../core/diagnostics.ts';
import { causeOf, execute, type Outcome, trimmedLines } from './execute.ts';
import { type PluginCounts, type PluginUse, pluginArguments, pluginHint, readPluginCounts } from './plugin.ts';
import { withTempDir } from './temp.ts';
import type { Tool } from './tools.ts';

/** What runs a program: this machine, QEMU as a CPU model, or QEMU as a whole board, where the program is alone. */
export type Runner =
  | { readonly kind: 'native' }
  | { readonly kind: 'qemu'; readonly tool: Tool; readonly cpu: string; readonly sysroot: string }
  | { readonly kind: 'board'; readonly tool: Tool; readonly cpu: string };

export interface Run {
  readonly runner: Runner;
  readonly program: string;
  readonly args?: readonly string[];
  readonly stdin?: Uint8Array;
  /** 120 s unless told. */
  readonly timeoutMs?: number;
  /** Counts executed instructions; only under QEMU. */
  readonly plugin?: PluginUse;
}

export interface RunResult {
  /** The program's own; a failed check of the program is for the caller to judge. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly milliseconds: number;
  /** What the plugin counted; only with one. */
  readonly counts?: PluginCounts;
}

/** The exit code of a sanitizer's finding: one that no test program uses, to tell it from a failed check. */
const sanitizerExitCode = 86;

/**
 * Runs a compiled program to its end.
 * Throws `emulator-crashed` when a signal ends it, `run-timeout` when it takes too long, `sanitizer-report` when a
 * sanitizer stops it and `emulator-failed` when QEMU itself gives up. Any other exit code is returned.
 */
export async function runProgram(run: Run): Promise<RunResult> {
  const { plugin } = run;
  if (plugin === undefined) return runOnce(run, []);
  return withTempDir(async (dir) => {
    const out = join(dir, 'counts');
    const result = await runOnce(run, pluginArguments(plugin, out));
    return { ...result, counts: await readPluginCounts(out, trimmedLines(result.stderr)) };
  });
}

async function runOnce(run: Run, pluginArgs: readonly string[]): Promise<RunResult> {
  const [command, ...args] = commandOf(run, pluginArgs);
  const outcome = await execute({
    command,
    args,
    // QEMU leaves a core file of a crashed program where it runs.
    cwd: dirname(run.program),
    env: { ...process.env, ...sanitizerOptions },
    timeoutMs: run.timeoutMs ?? 120_000,
    ...(run.stdin === undefined ? {} : { stdin: run.stdin }),
  });
  const problem = problemOf(run, outcome);
  if (problem !== undefined) throw problem;
  const { stdout, stderr, milliseconds, exitCode = 0 } = outcome;
  return { exitCode, stdout, stderr, milliseconds };
}

/** Leaks are no finding: the generated code has no heap, and the leak checker fails inside containers. */
const sanitizerOptions = {
  ASAN_OPTIONS: `exitcode=${sanitizerExitCode}:detect_leaks=0:abort_on_error=0`,
  UBSAN_OPTIONS: `exitcode=${sanitizerExitCode}:print_stacktrace=1:abort_on_error=0`,
};

function commandOf({ runner, program, args = [] }: Run, pluginArgs: readonly string[]): [string, ...string[]] {
  if (runner.kind === 'native') return [program, ...args];
  if (runner.kind === 'board') return boardCommand(runner, program, args, pluginArgs);
  const { tool, cpu, sysroot } = runner;
  return [tool.command, ...tool.args, '-cpu', cpu, '-L', sysroot, ...pluginArgs, program, ...args];
}

/** QEMU's board of no particular make; the program's files, output and exit code go through semihosting. */
function boardCommand(
  { tool, cpu }: Extract<Runner, { kind: 'board' }>,
  program: string,
  args: readonly string[],
  pluginArgs: readonly string[],
): [string, ...string[]] {
  const words = [program, ...args].map((word) => `arg=${word.replaceAll(',', ',,')}`);
  const semihosting = ['enable=on', 'target=native', 'chardev=console', ...words].join(',');
  return [
    ...[tool.command, ...tool.args, '-M', 'virt', '-cpu', cpu, '-m', '256M', '-display', 'none', '-serial', 'none'],
    ...[
      '-monitor',
      'none',
      '-nic',
      'none',
      '-chardev',
      'stdio,id=console,signal=off',
      '-semihosting-config',
      semihosting,
    ],
    ...[...pluginArgs, '-kernel', program],
  ] as [string, ...string[]];
}

/** What QEMU says when it does not even begin to run a program. */
const qemuComplains = /^(qemu(-[\w-]+)?:|Error while loading)/m;

function problemOf(run: Run, outcome: Outcome): NeonarrowError | undefined {
  const on = run.runner.kind !== 'native' ? ` under ${run.runner.tool.id} -cpu ${run.runner.cpu}` : ' on this machine';
  const details = [`command: ${outcome.commandLine}`, ...trimmedLines(outcome.stderr), `cause: ${causeOf(outcome)}`];
  const fail = (code: string, what: string, hint?: string): NeonarrowError =>
    failed({ code, message: `the program ${what}${on}`, place: run.program, details, ...(hint ? { hint } : {}) });

  if (outcome.timedOut)
    return fail('run-timeout', 'did not end in time', 'a loaded machine? try again with fewer samples');
  if (outcome.signal === 'SIGILL') {
    return fail(
      'emulator-crashed',
      'executed an instruction that the CPU does not have (SIGILL)',
      'choose another --target',
    );
  }
  if (outcome.signal !== undefined) return fail('emulator-crashed', `was ended by signal ${outcome.signal}`);
  if (outcome.exitCode === sanitizerExitCode) return fail('sanitizer-report', 'was stopped by a sanitizer');
  if (run.runner.kind !== 'native' && outcome.exitCode !== 0 && qemuComplains.test(outcome.stderr)) {
    return run.plugin === undefined
      ? fail('emulator-failed', 'could not be run', 'see "neonarrow doctor"')
      : fail('plugin-failed', 'could not be run with the instruction counter', pluginHint);
  }
  return undefined;
}
