import { type Command, Option } from 'commander';
import { type BenchResult, benchProgram, bestRun } from '../bench/bench.ts';
import type { Progress } from '../core/progress.ts';
import { loadBundle } from '../verify/load.ts';
import { baselineText, benchText } from './bench-tables.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';

type Flags = GlobalOptions & { baseline?: boolean; opt: '-O2' | '-O3' };

export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .argument('<dir...>', 'folders that "neonarrow build" or "neonarrow compile" wrote')
    .description('count executed instructions a layer under QEMU and model the hot loops’ cycles, by gcc and clang')
    .option('--baseline', 'also the same network with 32-bit accumulators, and the ratios')
    .addOption(new Option('--opt <level>', 'how the C is compiled').choices(['-O2', '-O3']).default('-O2'));
  withGlobalOptions(command).action((dirs: string[], flags: Flags) =>
    perform(flags, (progress) => run(dirs, flags, progress)),
  );
}

async function run(dirs: readonly string[], flags: Flags, progress: Progress): Promise<Outcome> {
  const bundles: { dir: string; result: BenchResult }[] = [];
  const baselines = flags.baseline === true ? (['widen', 'pairs'] as const) : [];
  for (const dir of dirs) {
    const result = await benchProgram(dir, await loadBundle(dir), { optimization: flags.opt, baselines, progress });
    bundles.push({ dir, result });
  }
  const best = bundles.map(({ dir, result }) => ({ dir, ...bestRun(result) }));
  const json = {
    // Of the compiler whose program takes fewer instructions; all of them are in `bundles`.
    layers: best.flatMap(({ dir, compiler, layers }) => layers.map((layer) => ({ dir, compiler, ...layer }))),
    total: {
      instructions: best.reduce((sum, { total }) => sum + total.instructions, 0),
      macs: best.reduce((sum, { total }) => sum + total.macs, 0),
    },
    bundles: bundles.map(({ dir, result }) => ({ dir, ...result })),
  };
  const textOf = ({ dir, result }: (typeof bundles)[number]) =>
    [dir, benchText(result), ...(flags.baseline === true ? [baselineText(result)] : [])].join('\n\n');
  return { json, text: () => bundles.map(textOf).join('\n\n'), ok: true };
}
