import type { Command } from 'commander';
import { reject } from '../core/diagnostics.ts';
import type { Progress } from '../core/progress.ts';
import { parseShard, type Shard, shardOf } from '../core/shard.ts';
import { requireWritable } from '../core/write-file.ts';
import { floatAccuracy } from '../interpret/accuracy.ts';
import { analyses, type RangeAnalysis } from '../quantize/weights/analysis.ts';
import { createEvaluationCache, defaultCacheFolder } from '../stages/evaluation-cache.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { type Accumulator, sweep } from '../stages/sweep.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { type DataFlags, withDataOptions } from './data-options.ts';
import { type ModelFlags, openModel, withModelOptions } from './model-options.ts';
import { type QuantizerFlags, quantizerOptions, withTechniqueOptions } from './quantizer-options.ts';
import { sweepFiles, sweepText, writeSweep } from './sweep-results.ts';
import { listOption, wholeNumber } from './words.ts';

interface SweepFlags {
  readonly accBits: readonly number[];
  readonly lanes: readonly (1 | 8)[];
  readonly analysis: readonly RangeAnalysis[];
  readonly images?: number;
  readonly out: string;
  readonly cache: string | false;
  readonly shard?: Shard;
}

type Flags = GlobalOptions &
  ModelFlags &
  DataFlags &
  Omit<QuantizerFlags, 'accBits' | 'lanes' | 'mode' | 'analysis'> &
  SweepFlags;

export function addSweep(program: Command): void {
  const command = program
    .command('sweep')
    .argument('<model>', 'float ONNX network')
    .description('accuracy against accumulator bits: a table, sweep.csv, sweep.json and a picture, sweep.svg')
    .addOption(listOption('--acc-bits <range>', 'widths: 8..24, or a list as 10,12,16', parseWidths, '8..24'))
    .addOption(
      listOption(
        '--lanes <list>',
        'accumulators an output: 1 scalar; 8: NEON lanes, which are 16 at 8 bits; or 1,8',
        parseLanes,
        '1,8',
      ),
    )
    .addOption(
      listOption(
        '--analysis <list>',
        `how the ranges of sums are known, one curve each: ${analyses.join(', ')}`,
        parseAnalyses,
        'weights',
      ),
    )
    .option('--images <n>', 'evaluate on at most this many samples', wholeNumber('--images', 1))
    .option('--out <dir>', 'folder for the results', 'sweep')
    .option('--cache <dir>', 'where finished evaluations are kept', defaultCacheFolder)
    .option('--no-cache', 'evaluate everything anew')
    .option('--shard <i/n>', 'the i-th of n parts of the points: sweep.json only, for "neonarrow merge"', parseShard);
  withDataOptions(command, { calibrate: true, evaluate: true });
  withGlobalOptions(withTechniqueOptions(withModelOptions(command), 'bias'));
  command.action((path: string, flags: Flags) => perform(flags, (progress) => run(path, flags, progress)));
}

async function run(path: string, flags: Flags, progress: Progress): Promise<Outcome> {
  const { model, recipe } = await openModel(path, flags);
  requireQuantized(model, false);
  // Without flushes unless asked for: with them, any accumulator holds the sums of any weights.
  const segments = flags.segments === 'auto' ? '1' : flags.segments;
  // All points alike, and in minutes.
  const techniques = flags.techniques === 'auto' ? 'bias' : flags.techniques;
  const quantizer = quantizerOptions(
    { ...flags, accBits: 16, lanes: 'auto', analysis: 'weights', segments, techniques, winograd: 'off' },
    flags.samples,
  );
  const { seed, samples, images, shard } = flags;
  const files = sweepFiles(flags.out, shard === undefined);
  for (const file of files) await requireWritable(file);
  const { graph } = model;
  const calibration = await readData(graph, flags.calibrate ?? recipe.calibrate, recipe, { samples, seed });
  const evaluation = await readData(graph, flags.evaluate ?? recipe.evaluate, recipe, {
    samples: images,
    seed,
    labelled: true,
  });

  const cache = flags.cache === false ? undefined : flags.cache;
  const float = await floatAccuracy(path, graph, evaluation, { progress });
  const evaluations = createEvaluationCache(evaluation, cache);
  const all = flags.lanes.flatMap((lanes) =>
    flags.analysis.flatMap((analysis) => flags.accBits.map((bits): Accumulator => ({ bits, lanes, analysis }))),
  );
  const accumulators = shardOf(all, shard);
  const points = await sweep({ graph, calibration, quantizer, accumulators, float, evaluations }, progress);
  const what = { model: graph.name, samples: float.samples, floatTop1: float.top1 };
  const result = { ...what, ...(shard && { shard }), points };
  await writeSweep(files, result);
  return { json: { ...result, files, evaluations: evaluations.asked }, text: () => sweepText(result, files), ok: true };
}

/** `8..24`, `16`, `10,12,14..16` → widths, ascending. */
function parseWidths(text: string): readonly number[] {
  const width = wholeNumber('--acc-bits', 8, 32);
  const widths = text.split(',').flatMap((part) => {
    const [from = '', to = from, ...more] = part.split('..');
    if (more.length > 0 || width(to) < width(from)) throw badRange(text);
    return Array.from({ length: width(to) - width(from) + 1 }, (_, i) => width(from) + i);
  });
  return [...new Set(widths)].sort((a, b) => a - b);
}

function badRange(text: string) {
  const message = `"${text}" is not a range of widths`;
  return reject({ code: 'bad-flag', message, place: '--acc-bits', hint: 'It looks like --acc-bits 8..24.' });
}

function parseAnalyses(text: string): readonly RangeAnalysis[] {
  const named = text.split(',').map((part) => {
    const found = analyses.find((analysis) => analysis === part.trim());
    if (found !== undefined) return found;
    const message = `"${part}" is no range analysis`;
    throw reject({ code: 'bad-flag', message, place: '--analysis', hint: `Use one or more of ${analyses.join(',')}.` });
  });
  return [...new Set(named)];
}

function parseLanes(text: string): readonly (1 | 8)[] {
  const lanes = text.split(',').map((part): 1 | 8 => {
    if (part === '1') return 1;
    if (part === '8' || part === 'auto') return 8;
    const message = `"${part}" is not a number of lanes`;
    throw reject({ code: 'bad-flag', message, place: '--lanes', hint: 'Use --lanes 1, --lanes 8 or --lanes 1,8.' });
  });
  return [...new Set(lanes)];
}
