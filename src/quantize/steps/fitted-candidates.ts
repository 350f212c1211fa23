import type { NodeId, QuantParams, TensorId } from '../../graph/types.ts';
import { type NetworkError, networkErrorOf } from '../search/network-error.ts';
import { flushInstructions, type Layer } from '../weights/layer.ts';
import { type ActivationChoice, chooseActivation } from './activations.ts';
import { gridOf, gridScale, relativeError, type ScaleGrid } from './clipping.ts';
import type { Candidate, GroupCandidates } from './decide-steps.ts';
import { all, type GroupDecision, measureLayer, tooNarrow } from './group-decision.ts';
import { stepsOfGroup } from './group-steps.ts';

/**
 * Weights that are fitted leave about as much error as weights rounded to nearest under so many times the budget, at most: the more
 * products, the more there is to make up with.
 */
const FITTED_BUDGET = 2.5;
/** How much wider than the clip with the least squared error is tried; that clip cuts off too much (see `NetworkError`). */
const WIDER_CLIPS = [1.15, 1.3, 1.5];
/** For so many of the numbers of steps, the best ones. */
const WIDENED = 4;

/** So many times the budget stand for fitting, in weights that are rounded to nearest. */
function fittedBudget({ reduction }: Layer): number {
  return Math.min(FITTED_BUDGET, reduction.length ** 0.25);
}

/**
 * Candidates for layers whose weights are fitted, in segments that are given: numbers of steps, each with its best clip,
 * judged by the error at the network's outputs and at those of the layers.
 */
export async function fittedCandidates(decision: GroupDecision): Promise<GroupCandidates> {
  const { group, histogram, layers, options, statistics } = decision;
  const { clipping, requant } = options;
  const grid = gridOf(requant);
  const network = await networkErrorOf(statistics.graph, statistics.sampled, group);
  try {
    const candidateOf = (choice: ActivationChoice) => fittedCandidate(decision, choice, network);
    const tried = await all(stepsOfGroup(group, layers, options), (steps) =>
      candidateOf(chooseActivation(group, histogram, { steps, clipping, grid })),
    );
    const fitting = tried.filter((candidate) => candidate !== undefined);
    if (fitting.length === 0) throw tooNarrow(layers);
    if (clipping === 'minmax' || group.natural !== undefined) return { candidates: fitting, tried: tried.length };
    const best = fitting.toSorted((a, b) => a.noise - b.noise).slice(0, WIDENED);
    const candidates = await all(fitting, async (candidate) => {
      if (!best.includes(candidate)) return candidate;
      const clips = widened(candidate.choice.quant, grid);
      const wider = await all(clips, (quant) => candidateOf({ quant, noise: relativeError(histogram, quant) }));
      return wider.reduce<Candidate>((a, b) => (b !== undefined && b.noise < a.noise ? b : a), candidate);
    });
    return { candidates, tried: tried.length };
  } finally {
    await network?.release();
  }
}

/** The same number of steps, wider ones. */
function widened(quant: QuantParams, grid: ScaleGrid): QuantParams[] {
  const [step] = quant.scale;
  const steps = new Set(WIDER_CLIPS.map((f) => gridScale(f * step!, grid)));
  return [...steps].map((scale) => ({ ...quant, scale: [scale] }));
}

/** @returns undefined where a layer has no weights that fit */
async function fittedCandidate(
  decision: GroupDecision,
  choice: ActivationChoice,
  network: NetworkError | undefined,
): Promise<Candidate | undefined> {
  const { layers, others } = decision;
  const outputs = new Map<TensorId, Float32Array>();
  const segments = new Map<NodeId, number>();
  let [flushes, noise] = [0, others * choice.noise];
  for (const layer of layers) {
    const given = layer.options.segments as number;
    const measured = await measureLayer(decision, layer, given, choice.quant, fittedBudget(layer));
    if (measured === undefined) return undefined;
    outputs.set(layer.node.outputs[0]!, measured.values);
    segments.set(layer.node.id, given);
    flushes += flushInstructions(layer, measured.fitted.model);
    noise += measured.noise;
  }
  if (network === undefined) return { choice, segments, flushes, noise };
  // The one counts what averages out on the way, the other takes all else for exact: the product of both is right more often.
  return { choice, segments, flushes, noise: Math.sqrt(noise * (await network.of(choice.quant, outputs))) };
}
