import { availableParallelism } from 'node:os';
import { execa } from 'execa';
import { failed } from '../core/diagnostics.ts';

/** A program to run, once. */
export interface Execution {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the program. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the program reads from its standard input; nothing without it. */
  readonly stdin?: Uint8Array;
  readonly timeoutMs?: number;
}

/** How a program ended: with an exit code, or by a signal, or because its time was over. */
export interface Outcome {
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** The command as one could type it. */
  readonly commandLine: string;
  readonly milliseconds: number;
}

/**
 * Runs a program; at most as many at a time as there are cores, however many callers there are. Never throws for what
 * the program does; `tool-not-started` when it cannot be started at all.
 */
export async function execute(execution: Execution): Promise<Outcome> {
  return withSlot(() => executeNow(execution));
}

async function executeNow(execution: Execution): Promise<Outcome> {
  const { command, args, cwd, env, stdin, timeoutMs } = execution;
  const result = await execa(command, args, {
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    killSignal: 'SIGKILL',
    ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env, extendEnv: false }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const started = result.exitCode !== undefined || result.signal !== undefined || result.timedOut;
  if (!started) {
    const cause = result.failed && 'originalMessage' in result ? String(result.originalMessage) : 'unknown';
    throw failed(
      { code: 'tool-not-started', message: `${command} could not be started`, details: [`cause: ${cause}`] },
      result,
    );
  }
  return {
    ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
    ...(result.signal === undefined ? {} : { signal: result.signal }),
    timedOut: result.timedOut,
    stdout: result.stdout,
    stderr: new TextDecoder().decode(result.stderr),
    commandLine: result.escapedCommand,
    milliseconds: result.durationMs,
  };
}

/** Why a program did not end well, in words. */
export function causeOf(outcome: Outcome): string {
  if (outcome.timedOut)
    return `it ran longer than its limit and was stopped after ${Math.round(outcome.milliseconds)} ms`;
  if (outcome.signal !== undefined) return `it was ended by signal ${outcome.signal}`;
  return `it exited with code ${outcome.exitCode}`;
}

/** The first lines of a program's messages: the later ones of a compiler mostly follow from them. */
export function trimmedLines(text: string, limit = 20): readonly string[] {
  const lines = text
    .trimEnd()
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (lines.length <= limit) return lines;
  return [...lines.slice(0, limit), `… ${lines.length - limit} more lines`];
}

let free = availableParallelism();
const waiting: (() => void)[] = [];

async function withSlot<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((wake) => waiting.push(wake));
  try {
    return await work();
  } finally {
    // A slot goes straight to the next in the queue; only without a queue does it become free.
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }
}
