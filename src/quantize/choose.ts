import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Graph, Node, NodeId, QuantParams, TensorId } from '../graph/types.ts';
import { type ActivationChoice, chooseActivation } from './activations.ts';
import type { SlackOf } from './calibrated/slack.ts';
import { gridOf, stepsOf } from './clipping.ts';
import { type Candidate, decideSteps, type GroupCandidates } from './decide-steps.ts';
import { type ActivationGroup, activationGroups, isReduction, movesValues } from './groups.ts';
import { type Histogram, mergeHistograms } from './histogram.ts';
import { type FittedLayer, fitLayer, flushInstructions, type Layer, layerOf } from './layer.ts';
import { optionsOfLayer, type QuantizeOptions } from './options.ts';
import type { OutputError } from './search/output-error.ts';
import { fitsWeights } from './techniques.ts';

/**
 * The relative noise of a layer's output, from rounding its inputs and its weights, up to which fewer instructions are
 * preferred to less noise: −24 dB a layer. Measured with one segment a layer, 8 NEON lanes of 16 bits, 10,000 images:
 * All-CNN-C (26 to 42 dB) 87.4 % against 87.5 % in float, ResNet-8 (30 to 44 dB) 75.7 % against 75.5 %.
 */
const ACCEPTABLE_NOISE = 2 ** -8;
/** Where even full-width weights are noisier, as narrow data is: this many times their noise is acceptable. */
const ACCEPTABLE_FACTOR = 1.5;

/**
 * Steps between the ends of a grid that are tried. Below 5 bits they stand closer than a bit apart, at last all of them: the budget
 * is ⌊(2^P − 1) / steps⌋, so there is nothing special about 2^bits − 1.
 */
const AUTO_STEPS = [255, 127, 63, 31, 22, 15, 12, 9, 7, 6, 5, 4, 3, 2];
/**
 * Weights that are fitted leave about as much error as weights rounded to nearest under so many times the budget, at most: the more
 * products, the more there is to make up with (`fittedBudget`).
 */
const FITTED_BUDGET = 3;
/** Where accumulators are wide enough for whole bits. */
const WHOLE_BITS = [8, 7, 6, 5, 4, 3, 2].map(stepsOf);

/** What was decided for the network. */
export interface Choice {
  readonly activations: ReadonlyMap<TensorId, ActivationChoice>;
  /** Number of segments of each layer, or `flush`. */
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
  /** Why each layer got its width and segments. */
  readonly reasons: ReadonlyMap<NodeId, string>;
}

/** A width that is possible, with each layer in the segments asked for, or flushed as often as its full-width weights need. */
interface Width {
  readonly choice: ActivationChoice;
  readonly flushed: readonly (Measured | undefined)[];
}

/** What the decisions are made from. */
export interface ChoiceInputs {
  readonly histograms: ReadonlyMap<TensorId, Histogram>;
  readonly outputError: OutputError;
  readonly slackOf: SlackOf;
}

/**
 * Decides the steps of data, and segments. For each group of activations the numbers of steps allowed are tried, and judged by the
 * noise at the outputs of the layers that read them.
 */
export async function chooseConfiguration(
  graph: Graph,
  { histograms, outputError, slackOf }: ChoiceInputs,
  options: QuantizeOptions,
): Promise<Choice> {
  const activations = new Map<TensorId, ActivationChoice>();
  const segments = new Map<NodeId, number | 'flush'>();
  const reasons = new Map<NodeId, string>();
  for (const group of activationGroups(graph)) {
    const histogram = mergeHistograms(group.members.map((id) => must(histograms.get(id), `histogram of ${id}`)));
    const layers = group.readers.map((n) => layerOf(graph, n, optionsOfLayer(options, n)));
    const others = graph.nodes.filter((n) => isOtherReader(n, group)).length;
    const decision = { group, histogram, layers, others, options, outputError, slackOf };
    const { best, why } = decideSteps(await candidatesOfGroup(decision));
    for (const id of group.members) activations.set(id, best.choice);
    for (const [id, count] of best.segments) {
      segments.set(id, count);
      reasons.set(id, why);
    }
  }
  return { activations, segments, reasons };
}

/** A function's own range is a power of two; and 16-bit lanes leave room enough for whole bits. */
function autoSteps({ natural }: ActivationGroup, layers: readonly Layer[]): readonly number[] {
  const roomy = layers.every(({ options: { accBits, lanes } }) => accBits >= 16 && lanes > 1);
  return roomy || natural !== undefined ? WHOLE_BITS : AUTO_STEPS;
}

/** True for additions and the like, which see the noise of the data only. */
export function isOtherReader(node: Node, group: ActivationGroup): boolean {
  return !isReduction(node) && !movesValues(node) && node.inputs.some((id) => group.members.includes(id));
}

interface GroupDecision {
  readonly group: ActivationGroup;
  readonly histogram: Histogram;
  readonly layers: readonly Layer[];
  /** Readers without weights. */
  readonly others: number;
  readonly options: QuantizeOptions;
  readonly outputError: OutputError;
  readonly slackOf: SlackOf;
}

/** A layer at one width of its data, in some segments. */
interface Measured {
  readonly segments: number | 'flush';
  readonly fitted: FittedLayer;
  readonly noise: number;
}

async function candidatesOfGroup(decision: GroupDecision): Promise<GroupCandidates> {
  const { group, histogram, layers, others, options, outputError, slackOf } = decision;
  const { clipping, requant } = options;
  const grid = gridOf(requant);
  const isFitted = fitsWeights(options.techniques) && layers.every((l) => typeof l.options.segments === 'number');
  const measure = async (layer: Layer, segments: number | 'flush', x: QuantParams): Promise<Measured | undefined> => {
    const slack = await slackOf(layer, segments, x);
    const budgetFactor = isFitted ? fittedBudget(layer) : 1;
    const fitted = fitLayer(layer, segments, { x, grid, budgetFactor, ...(slack && { slack }) });
    return fitted && { segments, fitted, noise: await outputError(layer, x, fitted) };
  };
  const widths = await all(stepsOfGroup(group, layers, options), async (steps): Promise<Width | undefined> => {
    const choice = chooseActivation(group, histogram, { steps, clipping, grid });
    const flushed = await all(layers, (layer) =>
      measure(layer, layer.options.segments === 'auto' ? 'flush' : layer.options.segments, choice.quant),
    );
    return flushed.every((fit) => fit !== undefined) ? { choice, flushed } : undefined;
  });
  const possible = widths.filter((width) => width !== undefined);
  const limits = layers.map((_, i) => acceptableNoise(possible.map(({ flushed }) => flushed[i]!.noise)));
  const candidateOf = async ({ choice, flushed }: Width): Promise<Candidate | undefined> => {
    const fits = await all(layers, (layer, i) =>
      chooseSegments(layer, flushed[i]!, limits[i]!, (segments) => measure(layer, segments, choice.quant)),
    );
    if (!fits.every((fit) => fit !== undefined)) return undefined;
    return {
      choice,
      segments: new Map(fits.map(({ segments }, i) => [layers[i]!.node.id, segments])),
      flushes: fits.reduce((sum, { fitted }, i) => sum + flushInstructions(layers[i]!, fitted.model), 0),
      noise: fits.reduce((sum, { noise }) => sum + noise, others * choice.noise),
    };
  };
  const limit = limits.reduce((a, b) => a + b, others * acceptableNoise(possible.map(({ choice }) => choice.noise)));
  const candidates = (await all(possible, candidateOf)).filter((candidate) => candidate !== undefined);
  if (candidates.length === 0) throw tooNarrow(layers);
  return { candidates, tried: widths.length, limit };
}

function fittedBudget({ reduction }: Layer): number {
  return Math.min(FITTED_BUDGET, reduction.length ** 0.25);
}

/** Where no weights but 0 are proven to fit, at any of the widths that were allowed. */
function tooNarrow(layers: readonly Layer[]) {
  const { accBits, analysis } = must(layers[0], 'layer').options;
  return reject({
    code: 'accumulator-too-narrow',
    message: `No widths of data and weights keep every sum within ${accBits} bits, as --analysis ${analysis} counts.`,
    place: `layer "${layers.map((l) => l.node.origin.name).join('", "')}"`,
    hint: 'Use --analysis weights, which takes the weights themselves into account, more bits, fewer data bits, or flushes.',
  });
}

/** One after the other: each keeps all cores busy by itself. */
async function all<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}

/** Relative to the least noise that there can be, at any of the widths, with as many flushes as it takes. */
function acceptableNoise(noises: readonly number[]): number {
  return Math.max(ACCEPTABLE_NOISE, ACCEPTABLE_FACTOR * Math.min(...noises));
}

/**
 * The fewest segments whose output has at most `limit` noise, found by bisection: more segments give finer weights.
 * @param flushed the layer in the segments asked for, or with as many as its full-width weights need
 */
async function chooseSegments(
  { options: { segments } }: Layer,
  flushed: Measured,
  limit: number,
  measure: (segments: number) => Promise<Measured | undefined>,
): Promise<Measured | undefined> {
  if (segments !== 'auto') return flushed;
  let chosen = flushed;
  let [few, many] = [0, flushed.fitted.model.segments.length];
  while (many - few > 1) {
    // One segment is what most layers end with.
    const count = few === 0 && chosen === flushed ? 1 : Math.floor((few + many) / 2);
    const measured = await measure(count);
    if (measured !== undefined && measured.noise <= limit) {
      chosen = measured;
      many = count;
    } else few = count;
  }
  return chosen;
}

/** The numbers of steps to try for a group. What no layer reads keeps 8 bits: it costs no accumulator anything. */
export function stepsOfGroup(
  group: ActivationGroup,
  layers: readonly Layer[],
  options: QuantizeOptions,
): readonly number[] {
  if (layers.length === 0 || group.natural === 'softmax') return [stepsOf(8)];
  const asked = layers.filter((l) => options.layers.get(l.node.origin.name)?.bits !== undefined);
  const widths = [...new Set((asked.length > 0 ? asked : layers).map((l) => l.options.bits))];
  const [width] = widths;
  if (widths.length === 1 && width !== undefined) return width === 'auto' ? autoSteps(group, layers) : [stepsOf(width)];
  const names = asked.map((l) => l.node.origin.name);
  throw reject({
    code: 'bad-option',
    message: `${names.join(' and ')} read the same data, so they can't have ${widths.join(' and ')} data bits.`,
    place: `--layer ${names.at(-1)}`,
    hint: 'Give these layers the same number of bits.',
  });
}
