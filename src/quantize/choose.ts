import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Graph, NodeId, TensorId } from '../graph/types.ts';
import { type ActivationChoice, chooseActivation } from './activations.ts';
import { gridOf, type ScaleGrid } from './clipping.ts';
import { type ActivationGroup, activationGroups } from './groups.ts';
import { type Histogram, mergeHistograms } from './histogram.ts';
import { type FittedLayer, fitLayer, flushInstructions, type Layer, layerOf } from './layer.ts';
import { optionsOfLayer, type QuantizeOptions } from './options.ts';

/**
 * The relative noise of a layer's output, from rounding its inputs and its weights, up to which fewer segments are
 * preferred to less noise.
 */
export const ACCEPTABLE_NOISE = 2 ** -9;

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
 * Decides data bits and segments. For each group of activations the widths allowed are tried: of those that need the
 * fewest instructions for flushes, the one with the least noise, from rounding data and weights together, is taken.
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
    const candidates = widthsOf(group, layers, options).map((bits) =>
      candidateOf(group, histogram, layers, bits, options),
    );
    const best = candidates.reduce((a, b) => (isBetter(b, a) ? b : a));
    for (const id of group.members) activations.set(id, best.choice);
    for (const [id, count] of best.segments) segments.set(id, count);
  }
  return { activations, segments };
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return a.flushes === b.flushes ? a.noise < b.noise : a.flushes < b.flushes;
}

function candidateOf(
  group: ActivationGroup,
  histogram: Histogram,
  layers: readonly Layer[],
  bits: number,
  { clipping, requant }: QuantizeOptions,
): Candidate {
  const grid = gridOf(requant);
  const choice = chooseActivation(group, histogram, { bits, clipping, grid });
  const segments = new Map<NodeId, number | 'flush'>();
  let [flushes, noise] = [0, 0];
  for (const layer of layers) {
    const chosen = chooseSegments(layer, choice, grid);
    segments.set(layer.node.id, chosen.segments);
    flushes += flushInstructions(layer, chosen.fitted.model);
    noise += choice.noise + chosen.fitted.rounded.noise;
  }
  return { choice, segments, flushes, noise };
}

/** The fewest segments with acceptable noise. */
function chooseSegments(
  layer: Layer,
  choice: ActivationChoice,
  grid: ScaleGrid,
): { segments: number | 'flush'; fitted: FittedLayer } {
  const fit = { x: choice.quant, grid };
  const { segments } = layer.options;
  if (segments !== 'auto') return { segments, fitted: fitLayer(layer, segments, fit) };
  const flushed = fitLayer(layer, 'flush', fit);
  for (let count = 1; count < flushed.model.segments.length; count++) {
    const fitted = fitLayer(layer, count, fit);
    if (choice.noise + fitted.rounded.noise <= ACCEPTABLE_NOISE) return { segments: count, fitted };
  }
  return { segments: 'flush', fitted: flushed };
}

/** The widths to try for a group. What no layer reads keeps 8 bits: it costs no accumulator anything. */
function widthsOf(group: ActivationGroup, layers: readonly Layer[], options: QuantizeOptions): number[] {
  if (layers.length === 0 || group.natural === 'softmax') return [8];
  const asked = layers.filter((l) => options.layers.get(l.node.origin.name)?.bits !== undefined);
  const widths = [...new Set((asked.length > 0 ? asked : layers).map((l) => l.options.bits))];
  const [width] = widths;
  if (widths.length === 1 && width !== undefined) return width === 'auto' ? [8, 7, 6, 5, 4] : [width];
  const names = asked.map((l) => l.node.origin.name);
  throw reject({
    code: 'bad-option',
    message: `${names.join(' and ')} read the same data, so they can't have ${widths.join(' and ')} data bits.`,
    place: `--layer ${names.at(-1)}`,
    hint: 'Give these layers the same number of bits.',
  });
}
