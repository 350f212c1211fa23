import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import type { Command } from 'commander';
import { reject } from '../core/diagnostics.ts';
import { grouped } from '../core/format.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import { type Change, compareResults } from '../regress/compare.ts';
import { junitXml } from '../regress/junit.ts';
import { markdownReport } from '../regress/markdown.ts';
import { allEqual, type RegressResults, resultsSchema } from '../regress/result.ts';
import type { Outcome } from './command.ts';
import { plainTable, tableText } from './output.ts';

/** What becomes of the results: the flags of `regress` and `merge`. */
export interface ReportFlags {
  readonly state: string | false;
  readonly strict?: boolean;
  readonly accept?: boolean;
  readonly junit?: string;
  readonly markdown?: string;
}

/** Where the results of the last run are kept. */
const defaultState = '.neonarrow/regress.json';

export function withReportOptions(command: Command): Command {
  return command
    .option('--state <file>', 'results of the last run, to compare with; replaced by this one’s', defaultState)
    .option('--no-state', 'compare with nothing, keep nothing')
    .option('--strict', 'fail where results differ from the last run, or cost more')
    .option('--accept', 'with --strict: keep these results as the last ones all the same')
    .option('--junit <file>', 'write the results as JUnit XML')
    .option('--markdown <file>', 'write the results as Markdown');
}

/**
 * Before the work: that the reports will find a place, and the last results can be read.
 * @throws reject `unwritable-output`, `bad-results`
 */
export async function checkReports({ state, junit, markdown }: ReportFlags): Promise<void> {
  for (const file of [state, junit, markdown]) if (typeof file === 'string') await requireWritable(file);
  if (state !== false) await readState(state);
}

/** Compares with the last run, writes the reports, and keeps the results unless something is wrong with them. */
export async function concludeRegress(results: RegressResults, flags: ReportFlags): Promise<Outcome> {
  const { state, strict = false, accept = false, junit, markdown } = flags;
  const before = state === false ? undefined : await readState(state);
  const changes = compareResults(before, results);
  const equal = allEqual(results);
  const worse = strict && changes.some((change) => change.worse);
  if (junit !== undefined) await writeFileSafely(junit, junitXml(results, changes, strict));
  if (markdown !== undefined)
    await writeFileSafely(
      markdown,
      markdownReport(results, before === undefined && changes.length === 0 ? undefined : changes),
    );
  const kept = state !== false && equal && (!worse || accept);
  if (kept) await writeFileSafely(state, `${JSON.stringify(withOthers(before, results), null, 2)}\n`);
  const runs = results.programs.flatMap((program) => program.runs);
  const ok = equal && (!worse || accept);
  const mismatches = runs.reduce((sum, run) => sum + run.mismatches, 0);
  const json = { ok, runs: runs.length, wrong: runs.filter((run) => !run.ok).length, mismatches, changes };
  return { json: { ...json, programs: results.programs }, text: () => textOf(results, changes, before), ok };
}

/** The last results of bundles that were not run this time stay. */
function withOthers(before: RegressResults | undefined, after: RegressResults): RegressResults {
  const run = new Set(after.programs.map(({ bundle }) => bundle));
  const others = (before?.programs ?? []).filter(({ bundle }) => !run.has(bundle));
  return { ...after, programs: [...others, ...after.programs] };
}

async function readState(path: string): Promise<RegressResults | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseResults(text, path);
}

/** @throws reject `bad-results` */
export function parseResults(text: string, path: string): RegressResults {
  try {
    return resultsSchema.parse(JSON.parse(text));
  } catch (error) {
    const hint = 'Name a file that "neonarrow regress" wrote; a damaged one can be deleted.';
    throw reject({ code: 'bad-results', message: 'these are no results of a run', place: path, hint }, error);
  }
}

function textOf({ programs }: RegressResults, changes: readonly Change[], before: RegressResults | undefined): string {
  const table = new Table({
    ...plainTable,
    head: ['', 'bundle', 'program', 'CPUs', 'instructions', 'code', 'constants', 'arena', 'stack'],
    colAligns: ['left', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
  });
  const optional = (n: number | undefined): string => (n === undefined ? '' : grouped(n));
  for (const { bundle, build, runs, instructions, memory } of programs) {
    const sizes = [memory?.code, memory?.constants, memory?.arena, memory?.stack].map(optional);
    const good = runs.filter(({ ok }) => ok).length;
    const sign = good === runs.length ? '✓' : '✗';
    table.push([sign, bundle, build, `${good} of ${runs.length}`, optional(instructions), ...sizes]);
  }
  const wrong = programs.flatMap(({ bundle, build, runs }) =>
    runs
      .filter(({ ok }) => !ok)
      .map(({ cpu, first }) => `✗ ${bundle}, ${build}, ${cpu}: ${first ?? 'nothing to compare'}`),
  );
  const changed = changes.map((c) => `${c.worse ? '✗' : '·'} ${c.bundle}, ${c.build}: ${c.what} ${c.text}`);
  const verdict =
    before === undefined ? 'Nothing to compare with yet.' : `${changes.length} changes against the last run.`;
  const runs = programs.flatMap((program) => program.runs).length;
  const total = `${runs - wrong.length} of ${runs} runs gave every byte. ${verdict}`;
  return [tableText(table), '', ...wrong, ...changed, total].join('\n');
}
