import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Graph, NodeId, TensorId } from '../graph/types.ts';
import { type ActivationChoice, chooseActivation } from './activations.ts';
import { gridOf } from './clipping.ts';
import { type ActivationGroup, activationGroups } from './groups.ts';
import { type Histogram, mergeHistograms } from './histogram.ts';
import { type FitOptions, type FittedLayer, fitLayer, flushInstructions, type Layer, layerOf } from './layer.ts';
import { optionsOfLayer, type QuantizeOptions } from './options.ts';

/**
 * The relative noise of a layer's output, from rounding its inputs and its weights, up to which fewer instructions are
 * preferred to less noise: −24 dB a layer. Measured with one segment a layer, 8 NEON lanes of 16 bits, 10,000 images:
 * All-CNN-C (26 to 42 dB) 87.4 % against 87.5 % in float, ResNet-8 (30 to 44 dB) 75.7 % against 75.5 %.
 */
const ACCEPTABLE_NOISE = 2 ** -8;
/** Where even full-width weights are noisier, as narrow data is: this many times their noise is acceptable. */
const ACCEPTABLE_FACTOR = 1.5;

/** From 8 bits down; 3 and 2 are for accumulators well below 16 bits. */
const AUTO_WIDTHS = [8, 7, 6, 5, 4, 3, 2];

/** What was decided for the network. */
export interface Choice {
  readonly activations: ReadonlyMap<TensorId, ActivationChoice>;
  /** Number of segments of each layer, or `flush`. */
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
}

/** One width of a group's activations, with the layers that read them. */
interface Candidate {
  readonly choice: ActivationChoice;
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
  readonly flushes: number;
  readonly noise: number;
}

/**
 * Decides data bits and segments. For each group of activations the widths allowed are tried: of those with acceptable
 * noise the one that needs the fewest instructions for flushes is taken, and of these the one with the least noise, from
 * rounding data and weights together.
 */
export function chooseConfiguration(
  graph: Graph,
  histograms: ReadonlyMap<TensorId, Histogram>,
  options: QuantizeOptions,
): Choice {
  const activations = new Map<TensorId, ActivationChoice>();
  const segments = new Map<NodeId, number | 'flush'>();
  for (const group of activationGroups(graph)) {
    const histogram = mergeHistograms(group.members.map((id) => must(histograms.get(id), `histogram of ${id}`)));
    const layers = group.readers.map((n) => layerOf(graph, n, optionsOfLayer(options, n)));
    const best = chooseForGroup(group, histogram, layers, options);
    for (const id of group.members) activations.set(id, best.choice);
    for (const [id, count] of best.segments) segments.set(id, count);
  }
  return { activations, segments };
}

function chooseForGroup(
  group: ActivationGroup,
  histogram: Histogram,
  layers: readonly Layer[],
  options: QuantizeOptions,
): Candidate {
  const { clipping, requant } = options;
  const grid = gridOf(requant);
  const choices = widthsOf(group, layers, options).map((bits) =>
    chooseActivation(group, histogram, { bits, clipping, grid }),
  );
  const flushed = choices.map(({ quant }) => layers.map((layer) => fitLayer(layer, 'flush', { x: quant, grid })));
  const limits = layers.map((_, i) =>
    acceptableNoise(
      choices,
      flushed.map((fits) => fits[i]!),
    ),
  );
  const candidateOf = (choice: ActivationChoice): Candidate => {
    const fits = layers.map((layer, i) =>
      chooseSegments(
        layer,
        flushed[choices.indexOf(choice)]![i]!,
        { x: choice.quant, grid },
        limits[i]! - choice.noise,
      ),
    );
    return {
      choice,
      segments: new Map(fits.map(({ segments }, i) => [layers[i]!.node.id, segments])),
      flushes: fits.reduce((sum, { fitted }, i) => sum + flushInstructions(layers[i]!, fitted.model), 0),
      noise: fits.reduce((sum, { fitted }) => sum + choice.noise + fitted.rounded.noise, 0),
    };
  };
  const limit = limits.reduce((a, b) => a + b, 0);
  // Widths that are too narrow for the data alone need no look at the weights, unless all are too noisy in the end.
  const promising = choices.filter(({ noise }) => noise * layers.length <= limit).map(candidateOf);
  const acceptable = promising.filter(({ noise }) => noise <= limit);
  if (acceptable.length > 0) return acceptable.reduce((a, b) => (isBetter(b, a) ? b : a));
  return choices.map(candidateOf).reduce((a, b) => (b.noise < a.noise ? b : a));
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return a.flushes === b.flushes ? a.noise < b.noise : a.flushes < b.flushes;
}

/**
 * Relative to the least noise that the layer can have, at any of the widths, with as many flushes as it takes.
 * @param flushed the layer at each of the widths
 */
function acceptableNoise(choices: readonly ActivationChoice[], flushed: readonly FittedLayer[]): number {
  const noises = choices.map(({ noise }, i) => noise + flushed[i]!.rounded.noise);
  return Math.max(ACCEPTABLE_NOISE, ACCEPTABLE_FACTOR * Math.min(...noises));
}

/**
 * The fewest segments whose weights have at most `limit` noise, found by bisection: more segments give finer weights.
 * @param flushed the layer with as many as its full-width weights need
 */
function chooseSegments(
  layer: Layer,
  flushed: FittedLayer,
  fit: FitOptions,
  limit: number,
): { segments: number | 'flush'; fitted: FittedLayer } {
  const { segments } = layer.options;
  if (segments === 'flush') return { segments, fitted: flushed };
  if (segments !== 'auto') return { segments, fitted: fitLayer(layer, segments, fit) };
  let chosen: { segments: number | 'flush'; fitted: FittedLayer } = { segments: 'flush', fitted: flushed };
  let [few, many] = [0, flushed.model.segments.length];
  while (many - few > 1) {
    // One segment is what most layers end with.
    const count = few === 0 && chosen.segments === 'flush' ? 1 : Math.floor((few + many) / 2);
    const fitted = fitLayer(layer, count, fit);
    if (fitted.rounded.noise <= limit) {
      chosen = { segments: count, fitted };
      many = count;
    } else few = count;
  }
  return chosen;
}

/** The widths to try for a group. What no layer reads keeps 8 bits: it costs no accumulator anything. */
function widthsOf(group: ActivationGroup, layers: readonly Layer[], options: QuantizeOptions): readonly number[] {
  if (layers.length === 0 || group.natural === 'softmax') return [8];
  const asked = layers.filter((l) => options.layers.get(l.node.origin.name)?.bits !== undefined);
  const widths = [...new Set((asked.length > 0 ? asked : layers).map((l) => l.options.bits))];
  const [width] = widths;
  if (widths.length === 1 && width !== undefined) return width === 'auto' ? AUTO_WIDTHS : [width];
  const names = asked.map((l) => l.node.origin.name);
  throw reject({
    code: 'bad-option',
    message: `${names.join(' and ')} read the same data, so they can't have ${widths.join(' and ')} data bits.`,
    place: `--layer ${names.at(-1)}`,
    hint: 'Give these layers the same number of bits.',
  });
}
