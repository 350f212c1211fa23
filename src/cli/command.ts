import process from 'node:process';
import { type Command, Option } from 'commander';
import { type ExitCode, exitCodeOf, failed, formatDiagnostic, NeonarrowError } from '../core/diagnostics.ts';
import type { Progress } from '../core/progress.ts';
import { printResult } from './output.ts';
import { terminalProgress } from './progress-bar.ts';

/** Options that every command has. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command returns: the JSON object, the text for people, and whether its check passed (exit code 0 or 1). */
export interface Outcome {
  readonly json: object;
  readonly text: () => string;
  readonly ok: boolean;
  /** Where it is neither 0 nor 1. */
  readonly exitCode?: ExitCode;
}

const everyCommand = 'Every command:';

/** Adds the options that every command has; the last ones. */
export function withGlobalOptions(command: Command): Command {
  return command
    .optionsGroup(everyCommand)
    .addHelpOption(new Option('-h, --help', 'display help for command').helpGroup(everyCommand))
    .option('--json', 'print one JSON object on stdout and nothing else there')
    .option('-q, --quiet', 'no progress on stderr')
    .option('--in-docker', 'in neonarrow’s image (NEONARROW_IMAGE), if tools are missing here');
}

/** Runs a command's work: prints its outcome or its error, and sets the exit code (DESIGN §10). */
export async function perform(options: GlobalOptions, work: (progress: Progress) => Promise<Outcome>): Promise<void> {
  const progress = terminalProgress(options.quiet === true);
  try {
    const outcome = await work(progress);
    progress.done();
    printResult(options.json === true, outcome.json, outcome.text);
    process.exitCode = outcome.exitCode ?? (outcome.ok ? 0 : 1);
  } catch (error) {
    progress.done();
    reportError(error, options.json === true);
  }
}

/** One message on stderr, no stack trace; with `--json` an object `{ error }` on stdout too. */
export function reportError(error: unknown, json: boolean): void {
  const known = error instanceof NeonarrowError ? error : unexpected(error);
  process.stderr.write(`${formatDiagnostic(known)}\n`);
  if (json) {
    const { kind, code, message, place, hint, details } = known;
    printResult(true, { error: { kind, code, message, place, hint, details } }, () => '');
  }
  process.exitCode = exitCodeOf(known);
}

function unexpected(error: unknown): NeonarrowError {
  const details =
    process.env['NEONARROW_DEBUG'] !== undefined && error instanceof Error ? (error.stack ?? '').split('\n') : [];
  return failed({
    code: 'unexpected-error',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a bug in neonarrow; run again with NEONARROW_DEBUG=1 for the place and report it.',
    details,
  });
}
