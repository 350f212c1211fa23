import { type Command, Option } from 'commander';
import { reject } from '../core/diagnostics.ts';
import type { RequantFormat } from '../numeric/requantize.ts';
import {
  completeOptions,
  defaultOptions,
  parseLayerOverride,
  type QuantizeOptions,
  type WinogradChoice,
  winogradChoices,
} from '../quantize/options.ts';
import type { Clipping } from '../quantize/steps/clipping.ts';
import { parseTechniques, techniques } from '../quantize/techniques.ts';
import { analyses, type RangeAnalysis } from '../quantize/weights/analysis.ts';
import type { DataFlags } from './data-options.ts';
import { collect, wholeNumber } from './words.ts';

export interface QuantizerFlags {
  readonly accBits: number;
  readonly lanes: string;
  readonly mode?: string;
  readonly analysis?: RangeAnalysis;
  readonly guard: number;
  readonly requant: RequantFormat;
  readonly bits: string;
  readonly weightBits: number;
  readonly segments: string;
  readonly winograd: WinogradChoice;
  readonly layer?: readonly string[];
  readonly techniques: string;
  readonly clipping: Clipping;
}

/** One accumulator, and how to quantize for it. */
export function withQuantizerOptions(command: Command): Command {
  const accumulator = command
    .optionsGroup('Quantizing:')
    .option('--acc-bits <n>', 'accumulator width, 8 to 32; NEON has 8 and 16', wholeNumber('--acc-bits', 8, 32), 16)
    .addOption(
      new Option(
        '--lanes <n>',
        'accumulators that share the products of an output; auto, 8: NEON lanes, 16 of them with --acc-bits 8',
      )
        .choices(['auto', '8', '1'])
        .default('auto'),
    )
    .addOption(
      new Option('--mode <mode>', 'proven: no input can overflow; calibrated: as --analysis calibrated').choices(modes),
    )
    .addOption(
      new Option(
        '--analysis <ranges>',
        'how the ranges of sums are known: worst-case (from widths), weights (exact), calibrated (from data, not proven)',
      ).choices(analyses),
    );
  return withTechniqueOptions(accumulator).addOption(
    new Option(
      '--winograd <form>',
      '3×3 convolutions with strides 1 as F(2×2, 3×3) or F(4×4, 3×3); auto: where that costs no accuracy',
    )
      .choices(winogradChoices)
      .default('off'),
  );
}

const modes = ['proven', 'calibrated'] as const;

/**
 * How to quantize, whatever the accumulator and the analysis.
 * @param auto what `--techniques auto` is, in words
 */
export function withTechniqueOptions(
  command: Command,
  auto = 'bias for NEON lanes of 16 bits or more, unless --segments is a number; else default, below 16 bits with diffusion, for --lanes 1 with pixel-sums',
): Command {
  return command
    .optionsGroup('Quantizing:')
    .addOption(
      new Option('--requant <format>', 'from sums to outputs').choices(['fixed', 'shift', 'float32']).default('fixed'),
    )
    .option('--bits <n>', 'bits of activations, 2 to 8, or auto: the width with the least noise', 'auto')
    .option('--weight-bits <n>', 'bits of weights at most', wholeNumber('--weight-bits', 2, 8), 8)
    .option('--segments <n>', 'flushes a layer: a number, flush (as the full-width weights need), or auto', 'auto')
    .option('--guard <factor>', 'calibrated: how many times as wide as seen sums may get', factor, defaultOptions.guard)
    .option(
      '--techniques <list>',
      `to get accuracy back: all, none, default, or some of ${techniques.join(', ')}; auto: ${auto}`,
      'auto',
    )
    .addOption(
      new Option('--clipping <how>', 'range of activations: all that was seen, or by the least error')
        .choices(['mse', 'minmax'])
        .default('mse'),
    )
    .option('--layer <name=settings>', 'override for one layer, e.g. conv1=bits:6,segments:2 (repeatable)', collect);
}

/** The quantizer's options from the command line's. */
export function quantizerOptions(flags: QuantizerFlags, samples: number | undefined): Partial<QuantizeOptions> {
  const options = {
    accBits: flags.accBits,
    lanes: flags.lanes === '1' ? 1 : 8,
    requant: flags.requant,
    bits: flags.bits === 'auto' ? 'auto' : wholeNumber('--bits', 2, 8)(flags.bits),
    weightBits: flags.weightBits,
    analysis: analysisOf(flags),
    guard: flags.guard,
    winograd: flags.winograd,
    segments: isSegmentWord(flags.segments) ? flags.segments : wholeNumber('--segments', 1)(flags.segments),
    ...(flags.techniques !== 'auto' && { techniques: parseTechniques(flags.techniques) }),
    clipping: flags.clipping,
    layers: new Map((flags.layer ?? []).map(parseLayerOverride)),
    ...(samples !== undefined && { samples }),
  } as const;
  completeOptions(options);
  return options;
}

/** `--mode` says of `--analysis` only whether it is a proof. */
function analysisOf({ mode, analysis }: Pick<QuantizerFlags, 'mode' | 'analysis'>): RangeAnalysis {
  const named = analysis ?? (mode === 'calibrated' ? 'calibrated' : defaultOptions.analysis);
  if (mode === undefined || (mode === 'calibrated') === (named === 'calibrated')) return named;
  throw reject({
    code: 'bad-flag',
    message: `--mode ${mode} and --analysis ${named} contradict each other`,
    place: '--mode',
    hint: 'Leave one of them out.',
  });
}

function factor(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw reject({
    code: 'bad-flag',
    message: `"${text}" is not a number`,
    place: '--guard',
    hint: 'Give a factor of at least 1, e.g. --guard 1.25.',
  });
}

function isSegmentWord(text: string): text is 'auto' | 'flush' {
  return text === 'auto' || text === 'flush';
}

/** What the manifest says about how a bundle came about. No paths. */
export function manifestOptions(flags: QuantizerFlags & DataFlags): Record<string, string | number | boolean> {
  const { accBits, lanes, requant, bits, weightBits, segments, layer = [], seed } = flags;
  const analysis = analysisOf(flags);
  const ranges = {
    ...(analysis !== defaultOptions.analysis && { analysis }),
    ...(analysis === 'calibrated' && { guard: flags.guard }),
  };
  const data = flags.samples === undefined ? {} : { samples: flags.samples };
  const layers = layer.length === 0 ? {} : { layer: layer.join(' ') };
  const mode = analysis === 'calibrated' ? 'calibrated' : 'proven';
  const accuracy = {
    ...(flags.techniques !== 'auto' && { techniques: flags.techniques }),
    ...(flags.clipping !== defaultOptions.clipping && { clipping: flags.clipping }),
  };
  const domain = flags.winograd === defaultOptions.winograd ? {} : { winograd: flags.winograd };
  const numbers = { accBits, lanes, mode, ...ranges, requant, bits, weightBits, segments };
  return { ...numbers, ...domain, ...accuracy, ...layers, ...data, seed };
}
