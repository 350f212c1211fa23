import { grouped } from '../core/format.ts';
import type { Change } from './compare.ts';
import type { ProgramResult, RegressResults } from './result.ts';

/** The results for a page of CI: failures, changes, and what every program costs. */
export function markdownReport(results: RegressResults, changes: readonly Change[] | undefined): string {
  const { programs } = results;
  const runs = programs.flatMap((program) => program.runs.map((run) => ({ program, run })));
  const failed = runs.filter(({ run }) => !run.ok);
  const sections = [
    `**${runs.length - failed.length} of ${runs.length} runs gave every byte** (${programs.length} programs of ${new Set(programs.map(({ bundle }) => bundle)).size} bundles)`,
    failed.length === 0 ? undefined : failuresOf(failed),
    changes === undefined
      ? undefined
      : changes.length === 0
        ? 'No change against the last run.'
        : changesTable(changes),
    costsTable(programs),
  ];
  return `# neonarrow regress\n\n${sections.filter((text) => text !== undefined).join('\n\n')}\n`;
}

type FailedRun = { readonly program: ProgramResult; readonly run: ProgramResult['runs'][number] };

function failuresOf(failed: readonly FailedRun[]): string {
  const rows = failed.map(({ program, run }) => [
    program.bundle,
    program.build,
    run.cpu,
    (run.first ?? '').split('\n')[0]!,
  ]);
  return `## Wrong\n\n${table(['bundle', 'program', 'CPU', 'first'], rows)}`;
}

function changesTable(changes: readonly Change[]): string {
  const rows = changes.map((c) => [c.bundle, c.build, c.what, c.text, c.worse ? '**worse**' : '']);
  return `## Changes\n\n${table(['bundle', 'program', '', 'change', ''], rows)}`;
}

function costsTable(programs: readonly ProgramResult[]): string {
  const number = (n: number | undefined): string => (n === undefined ? '' : grouped(n));
  const rows = programs.map(({ bundle, build, compiler, instructions, memory, runs }) => [
    bundle,
    build,
    compiler,
    runs.map(({ cpu, ok }) => (ok ? cpu : `**${cpu}**`)).join(' '),
    number(instructions),
    ...[memory?.code, memory?.constants, memory?.data, memory?.arena, memory?.stack].map(number),
  ]);
  const head = ['bundle', 'program', 'compiler', 'CPUs', 'instructions', 'code', 'constants', 'data', 'arena', 'stack'];
  return `## Programs\n\nInstructions of one inference, memory in bytes.\n\n${table(head, rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
