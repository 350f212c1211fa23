import { grouped } from '../core/format.ts';
import type { ProgramResult, RegressResults } from './result.ts';

/** What differs from the last run. */
export interface Change {
  readonly bundle: string;
  readonly build: string;
  readonly what: 'results' | 'instructions' | 'code' | 'constants' | 'data' | 'arena' | 'stack' | 'program' | 'files';
  /** In words: `1,000 → 1,100 (+10.0 %)`. */
  readonly text: string;
  /** Worse than before, by more than may be; `--strict` fails then. */
  readonly worse: boolean;
}

/** More of these is worse only above this part: compilers and kernels are allowed to trade a little. */
const tolerance = 0.02;

/**
 * The differences between two runs, program by program, and files that were edited since they were generated, for which no last run
 * is needed. Worse is: edited files, other results, more than 2 % more instructions or code, any
 * more of other memory, or a program of these bundles that is not run any more.
 */
export function compareResults(before: RegressResults | undefined, after: RegressResults): Change[] {
  const altered = after.programs.flatMap((p) =>
    p.altered === undefined ? [] : [change(p, 'files', `not as generated: ${p.altered.join(', ')}`, true)],
  );
  return [...altered, ...(before === undefined ? [] : differences(before, after))];
}

function differences(before: RegressResults, after: RegressResults): Change[] {
  const bundles = new Set(after.programs.map(({ bundle }) => bundle));
  const gone = before.programs.filter((p) => bundles.has(p.bundle) && find(after, p) === undefined);
  return [
    ...after.programs.flatMap((program) => changesOf(find(before, program), program)),
    ...gone.map((p) => change(p, 'program', 'not run any more', true)),
  ];
}

function find({ programs }: RegressResults, { bundle, build }: ProgramResult): ProgramResult | undefined {
  return programs.find((other) => other.bundle === bundle && other.build === build);
}

function changesOf(before: ProgramResult | undefined, after: ProgramResult): Change[] {
  if (before === undefined) return [change(after, 'program', 'new', false)];
  const changes: (Change | undefined)[] = [
    before.expected === after.expected ? undefined : change(after, 'results', 'the golden vectors are others', true),
    numberChange(after, 'instructions', before.instructions, after.instructions, tolerance),
    numberChange(after, 'code', before.memory?.code, after.memory?.code, tolerance),
    ...(['constants', 'data', 'arena', 'stack'] as const).map((what) =>
      numberChange(after, what, before.memory?.[what], after.memory?.[what], 0),
    ),
  ];
  return changes.filter((c) => c !== undefined);
}

function numberChange(
  program: ProgramResult,
  what: Change['what'],
  before: number | undefined,
  after: number | undefined,
  allowed: number,
): Change | undefined {
  if (before === undefined || after === undefined || before === after) return undefined;
  const percent =
    before === 0 ? '' : ` (${after > before ? '+' : ''}${((100 * (after - before)) / before).toFixed(1)} %)`;
  return change(program, what, `${grouped(before)} → ${grouped(after)}${percent}`, after > before * (1 + allowed));
}

function change({ bundle, build }: ProgramResult, what: Change['what'], text: string, worse: boolean): Change {
  return { bundle, build, what, text, worse };
}
