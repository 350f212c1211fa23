import { type Command, Option } from 'commander';
import type { Optimization } from '../build/compile.ts';
import { reject } from '../core/diagnostics.ts';
import type { Progress } from '../core/progress.ts';
import { parseShard, type Shard } from '../core/shard.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import { regressCpus } from '../regress/matrix.ts';
import { regress } from '../regress/regress.ts';
import type { CompilerKind } from '../targets/target.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { withCompilers } from './compilers.ts';
import { checkReports, concludeRegress, type ReportFlags, withReportOptions } from './regress-report.ts';
import { listOf, listOption } from './words.ts';

interface Flags extends GlobalOptions, ReportFlags {
  readonly compilers: readonly CompilerKind[];
  readonly opt: readonly Optimization[];
  readonly cpus: readonly string[];
  readonly shard?: Shard;
  readonly results?: string;
}

export function addRegress(program: Command): void {
  const command = program
    .command('regress')
    .argument('<dir...>', 'folders that "neonarrow build" or "neonarrow compile" wrote')
    .description(
      'replay the golden vectors of many bundles over compilers, optimizations and CPU models; compare with the last run',
    )
    .addOption(listOption('--opt <list>', 'optimization levels', listOf(levels, '--opt'), 'O0,O2,O3,Os'))
    .addOption(
      listOption(
        '--cpus <list>',
        'CPU models, those of them that QEMU knows',
        (text) => text.split(','),
        regressCpus.join(','),
      ),
    )
    .option('--shard <i/n>', 'the i-th of n parts of the programs; "neonarrow merge" joins them', parseShard)
    .addOption(new Option('--results <file>', 'where a shard’s results go'));
  withGlobalOptions(withReportOptions(withCompilers(command)));
  command.action((dirs: string[], flags: Flags) => perform(flags, (progress) => run(dirs, flags, progress)));
}

const levels = ['-O0', '-O1', '-O2', '-O3', '-Os'] as const;

async function run(dirs: readonly string[], flags: Flags, progress: Progress): Promise<Outcome> {
  const { shard, results: file } = flags;
  if (shard !== undefined && file === undefined) {
    const hint = 'Add --results FILE; "neonarrow merge FILE…" then reports on all shards.';
    throw reject({ code: 'bad-usage', message: 'a shard’s results must go to a file', place: '--shard', hint });
  }
  if (file !== undefined) await requireWritable(file);
  // A part is nothing to compare with a whole.
  const reports = shard === undefined ? flags : { ...flags, state: false as const, strict: false };
  await checkReports(reports);
  const matrix = { compilers: flags.compilers, optimizations: flags.opt, cpus: flags.cpus };
  const results = await regress({ dirs, matrix, ...(shard && { shard }) }, progress);
  if (file !== undefined) await writeFileSafely(file, `${JSON.stringify(results, null, 2)}\n`);
  return concludeRegress(results, reports);
}
