import type { QuantParams } from '../../graph/types.ts';
import { flushInstructions, type Layer } from '../weights/layer.ts';
import { type ActivationChoice, chooseActivation } from './activations.ts';
import { gridOf } from './clipping.ts';
import type { Candidate, GroupCandidates } from './decide-steps.ts';
import { all, type GroupDecision, hasGivenSegments, type Measured, measureLayer, tooNarrow } from './group-decision.ts';
import { stepsOfGroup } from './group-steps.ts';

/**
 * The relative noise of a layer's output, from rounding its inputs and its weights, up to which fewer instructions are
 * preferred to less noise: −24 dB a layer. Measured with one segment a layer, 8 NEON lanes of 16 bits, 10,000 images:
 * All-CNN-C (26 to 42 dB) 87.4 % against 87.5 % in float, ResNet-8 (30 to 44 dB) 75.7 % against 75.5 %.
 */
const ACCEPTABLE_NOISE = 2 ** -8;
/** Where even full-width weights are noisier, as narrow data is: this many times their noise is acceptable. */
const ACCEPTABLE_FACTOR = 1.5;

/** A width that is possible, with each layer in the segments asked for, or flushed as often as its full-width weights need. */
interface Width {
  readonly choice: ActivationChoice;
  readonly flushed: readonly (Measured | undefined)[];
}

/** Candidates for layers whose weights are rounded, or whose segments are still open: judged by the errors of their outputs. */
export async function roundedCandidates(decision: GroupDecision): Promise<GroupCandidates> {
  const { group, histogram, layers, others, options } = decision;
  // Outputs are large, and all widths are held together: without them.
  const measure = async (layer: Layer, segments: number | 'flush', x: QuantParams): Promise<Measured | undefined> => {
    const measured = await measureLayer(decision, layer, segments, x);
    return measured && { segments, fitted: measured.fitted, noise: measured.noise };
  };
  const { clipping, requant } = options;
  const grid = gridOf(requant);
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
  return { candidates, tried: widths.length, ...(hasGivenSegments(layers) ? {} : { limit }) };
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
