import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { reject } from '../core/diagnostics.ts';
import { joined } from '../core/shard.ts';
import { requireWritable } from '../core/write-file.ts';
import { mergeResults } from '../regress/regress.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { checkReports, concludeRegress, parseResults, type ReportFlags, withReportOptions } from './regress-report.ts';
import { type SweepResult, sweepFiles, sweepText, writeSweep } from './sweep-results.ts';

type Flags = GlobalOptions & ReportFlags & { out: string };

export function addMerge(program: Command): void {
  const command = program
    .command('merge')
    .argument('<file...>', 'results of shards 1/n to n/n, in any order')
    .description('join the results of the shards of one "regress" or one "sweep", and report on all of them')
    .option('--out <dir>', 'folder for the results of a sweep', 'sweep');
  withGlobalOptions(withReportOptions(command));
  command.action((files: string[], flags: Flags) => perform(flags, () => run(files, flags)));
}

async function run(paths: readonly string[], flags: Flags): Promise<Outcome> {
  const texts = await Promise.all(paths.map(readPart));
  const sweeps = texts.map((text, i) => parseSweep(text, paths[i]!));
  if (sweeps.every((part) => part !== undefined)) return mergeSweeps(sweeps, flags.out);
  // What is neither is refused as no results of `regress`.
  const results = mergeResults(texts.map((text, i) => parseResults(text, paths[i]!)));
  await checkReports(flags);
  return concludeRegress(results, flags);
}

async function readPart(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    const hint = 'Name the files that the shards wrote.';
    throw reject({ code: 'unreadable-file', message: 'the file cannot be read', place: path, hint }, error);
  });
}

const point = z.looseObject({ bits: z.number(), lanes: z.number(), analysis: z.string() });
const sweepSchema = z.object({
  model: z.string(),
  samples: z.number(),
  floatTop1: z.number(),
  shard: z.object({ index: z.number(), count: z.number() }).exactOptional(),
  points: z.array(point),
});

function parseSweep(text: string, path: string): SweepResult | undefined {
  try {
    const parsed = sweepSchema.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as unknown as SweepResult) : undefined;
  } catch (error) {
    throw reject(
      {
        code: 'bad-results',
        message: 'these are no results of a run',
        place: path,
        hint: 'Name the files that the shards wrote.',
      },
      error,
    );
  }
}

async function mergeSweeps(parts: readonly SweepResult[], out: string): Promise<Outcome> {
  const [{ model, samples, floatTop1 }] = parts as [SweepResult];
  const isOther = (p: SweepResult) => p.model !== model || p.samples !== samples || p.floatTop1 !== floatTop1;
  if (parts.some(isOther)) throw misfit('they are of different networks or samples');
  const points = joined(parts, (part) => part.points);
  const keys = points.map(({ bits, lanes, analysis }) => `${bits} ${lanes} ${analysis}`);
  const twice = keys.findIndex((key, i) => keys.indexOf(key) !== i);
  if (twice >= 0) throw misfit(`two of them have the point ${keys[twice]}`);
  const files = sweepFiles(out, true);
  for (const file of files) await requireWritable(file);
  const result = { model, samples, floatTop1, points };
  await writeSweep(files, result);
  return { json: { ...result, files }, text: () => sweepText(result, files), ok: true };
}

function misfit(why: string) {
  return reject({
    code: 'shards-do-not-fit',
    message: `the files are not shards of one sweep: ${why}`,
    place: 'the files',
    hint: 'Merge the results of shards 1/n to n/n of one run.',
  });
}
