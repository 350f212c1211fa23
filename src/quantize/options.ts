import { reject } from '../core/diagnostics.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { RequantFormat } from '../numeric/requantize.ts';
import type { Lanes } from '../proof/segments.ts';
import type { Clipping } from './steps/clipping.ts';
import { isReduction } from './steps/groups.ts';
import { automaticTechniques, type Technique } from './techniques.ts';
import { analyses, type RangeAnalysis } from './weights/analysis.ts';

/**
 * How a layer's products are split between flushes: `auto` takes the fewest segments that cost no accuracy to speak of,
 * `flush` keeps the weights at full width and flushes where they demand it, a number makes the weights fit.
 */
export type SegmentChoice = 'auto' | 'flush' | number;

/**
 * The domain of a layer: `f2` and `f4` are Winograd's F(2×2, 3×3) and F(4×4, 3×3), `f2-exact` the former on 6-bit data, without
 * rounding on the way; `auto` measures which of them cost no accuracy to speak of and takes the cheapest.
 */
export const winogradChoices = ['off', 'f2', 'f2-exact', 'f4', 'auto'] as const;
export type WinogradChoice = (typeof winogradChoices)[number];

/** What `--layer NAME=…` can set. */
export interface LayerOverride {
  readonly winograd?: WinogradChoice;
  /** Data bits of the layer's input. */
  readonly bits?: number;
  readonly weightBits?: number;
  readonly segments?: SegmentChoice;
  readonly accBits?: number;
}

export interface QuantizeOptions {
  /** Bits of the activations that layers read, 2 to 8; `auto` takes for each layer the width with the least noise. */
  readonly bits: number | 'auto';
  /** Bits of the weights at most, 2 to 8. */
  readonly weightBits: number;
  /** Bits of an accumulator, 8 to 32. */
  readonly accBits: number;
  /**
   * 8: NEON lanes, of which there are 16 where they have 8 bits, and one a channel in depthwise and first layers; 1: one
   * scalar accumulator, the paper's processor.
   */
  readonly lanes: Lanes;
  readonly segments: SegmentChoice;
  /** How the ranges of sums are known. */
  readonly analysis: RangeAnalysis;
  /** `calibrated`: how many times as wide as seen a sum may get, at least 1. */
  readonly guard: number;
  /** For 3×3 convolutions with strides 1; others are always direct. */
  readonly winograd: WinogradChoice;
  readonly requant: RequantFormat;
  readonly clipping: Clipping;
  /** Ways to get accuracy back. */
  readonly techniques: ReadonlySet<Technique>;
  /** Samples of the calibration data that are used, at most. */
  readonly samples: number;
  /** By the layer's ONNX name. */
  readonly layers: ReadonlyMap<string, LayerOverride>;
}

/** Techniques depend on the accumulator: see `automaticTechniques`. */
export const defaultOptions: Omit<QuantizeOptions, 'techniques'> = {
  bits: 'auto',
  weightBits: 8,
  accBits: 16,
  lanes: 8,
  segments: 'auto',
  analysis: 'weights',
  guard: 1.25,
  winograd: 'off',
  requant: 'fixed',
  clipping: 'mse',
  samples: 1000,
  layers: new Map(),
};

interface IntegerRange {
  readonly flag: string;
  readonly what: string;
  readonly lo: number;
  readonly hi: number;
}

const BITS: IntegerRange = { flag: '--bits', what: 'data bits', lo: 2, hi: 8 };
const WEIGHT_BITS: IntegerRange = { flag: '--weight-bits', what: 'weight bits', lo: 2, hi: 8 };
const ACC_BITS: IntegerRange = { flag: '--acc-bits', what: 'accumulator bits', lo: 8, hi: 32 };
const SEGMENTS: IntegerRange = { flag: '--segments', what: 'segments', lo: 1, hi: 4096 };
const SAMPLES: IntegerRange = { flag: '--samples', what: 'samples', lo: 1, hi: 1_000_000 };

/**
 * Options with the defaults filled in.
 * @throws reject `bad-option` where a number is outside its range
 */
export function completeOptions(given: Partial<QuantizeOptions> = {}): QuantizeOptions {
  const common = { ...defaultOptions, ...given };
  const options = { ...common, techniques: given.techniques ?? automaticTechniques(common) };
  if (options.bits !== 'auto') checkInteger(options.bits, BITS, BITS.flag);
  checkInteger(options.weightBits, WEIGHT_BITS, WEIGHT_BITS.flag);
  checkInteger(options.accBits, ACC_BITS, ACC_BITS.flag);
  if (typeof options.segments === 'number') checkInteger(options.segments, SEGMENTS, SEGMENTS.flag);
  checkInteger(options.samples, SAMPLES, SAMPLES.flag);
  if (options.lanes !== 1 && options.lanes !== 8) {
    throw badOption(
      '--lanes',
      `"${String(options.lanes)}" is not a number of lanes.`,
      'Use --lanes 8 (NEON) or --lanes 1.',
    );
  }
  checkAnalysis(options);
  for (const [name, layer] of options.layers) checkOverride(name, layer);
  return options;
}

function checkAnalysis({ analysis, guard }: QuantizeOptions): void {
  if (!analyses.includes(analysis)) {
    throw badOption('--analysis', `"${analysis}" is no range analysis.`, `Use ${analyses.join(', ')}.`);
  }
  if (guard >= 1 && guard <= 16) return;
  throw badOption('--guard', `"${guard}" is no guard factor.`, 'Use a number from 1 to 16, e.g. 1.25.');
}

function checkOverride(name: string, layer: LayerOverride): void {
  const place = `--layer ${name}`;
  if (layer.bits !== undefined) checkInteger(layer.bits, BITS, place);
  if (layer.weightBits !== undefined) checkInteger(layer.weightBits, WEIGHT_BITS, place);
  if (layer.accBits !== undefined) checkInteger(layer.accBits, ACC_BITS, place);
  if (typeof layer.segments === 'number') checkInteger(layer.segments, SEGMENTS, place);
}

function checkInteger(value: number, { what, lo, hi }: IntegerRange, place: string): void {
  if (Number.isInteger(value) && value >= lo && value <= hi) return;
  throw badOption(place, `"${value}" is no possible number of ${what}.`, `Use a whole number from ${lo} to ${hi}.`);
}

function badOption(place: string, message: string, hint: string) {
  return reject({ code: 'bad-option', message, place, hint });
}

const OVERRIDE_FORM =
  'It looks like --layer conv1=bits:6,segments:2; the keys are bits, weight-bits, segments, acc-bits and winograd.';

/**
 * Reads the text of one `--layer NAME=KEY:VALUE,…`. The name may hold `=` and `:` itself.
 * @throws reject `bad-option`
 */
export function parseLayerOverride(text: string): readonly [name: string, override: LayerOverride] {
  const at = text.lastIndexOf('=');
  const name = text.slice(0, Math.max(0, at));
  if (name === '') throw badOption('--layer', `"${text}" names no layer.`, OVERRIDE_FORM);
  const settings = text
    .slice(at + 1)
    .split(',')
    .map((part) => readSetting(part, `--layer ${name}`));
  const override: LayerOverride = Object.assign({}, ...settings);
  checkOverride(name, override);
  return [name, override];
}

function readSetting(text: string, place: string): LayerOverride {
  const [key = '', value = '', ...rest] = text.split(':').map((part) => part.trim());
  const number = (): number => {
    if (/^\d+$/.test(value)) return Number(value);
    throw badOption(place, `"${value}" is no whole number.`, OVERRIDE_FORM);
  };
  if (rest.length > 0) throw badOption(place, `"${text}" is not KEY:VALUE.`, OVERRIDE_FORM);
  switch (key) {
    case 'bits':
      return { bits: number() };
    case 'weight-bits':
      return { weightBits: number() };
    case 'acc-bits':
      return { accBits: number() };
    case 'winograd': {
      const choice = winogradChoices.find((name) => name === value);
      if (choice !== undefined) return { winograd: choice };
      throw badOption(place, `"${value}" is none of ${winogradChoices.join(', ')}.`, OVERRIDE_FORM);
    }
    case 'segments':
      return { segments: value === 'auto' || value === 'flush' ? value : number() };
    default:
      throw badOption(place, `"${key}" is nothing that a layer can set.`, OVERRIDE_FORM);
  }
}

/**
 * The options of one layer: the common ones with its override put over them. A scalar accumulator is not flushed unless
 * asked for: it holds the whole dot product, as the paper's does.
 */
export type LayerOptions = Pick<
  QuantizeOptions,
  'bits' | 'weightBits' | 'accBits' | 'lanes' | 'segments' | 'analysis' | 'guard' | 'requant'
>;

export function optionsOfLayer(options: QuantizeOptions, node: Node): LayerOptions {
  const merged = { ...options, ...options.layers.get(node.origin.name) };
  return merged.lanes === 1 && merged.segments === 'auto' ? { ...merged, segments: 1 } : merged;
}

/**
 * Refuses overrides of layers that the graph does not have.
 * @throws reject `unknown-layer`, with the layers' names as details
 */
export function checkLayerNames(options: QuantizeOptions, graph: Graph): void {
  const names = graph.nodes.filter(isReduction).map((n) => n.origin.name);
  for (const name of options.layers.keys()) {
    if (names.includes(name)) continue;
    throw reject({
      code: 'unknown-layer',
      message: `The network has no layer "${name}" with weights.`,
      place: `--layer ${name}`,
      hint: 'Use one of the names below.',
      details: names,
    });
  }
}
