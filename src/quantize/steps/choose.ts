import { must } from '../../core/must.ts';
import type { Progress } from '../../core/progress.ts';
import type { NodeId, TensorId } from '../../graph/types.ts';
import { mergeHistograms } from '../histogram.ts';
import { optionsOfLayer, type QuantizeOptions } from '../options.ts';
import { gridsOfGroup } from '../rewrite/diffuse-data.ts';
import type { Statistics } from '../statistics.ts';
import { fitsWeights } from '../techniques.ts';
import { layerOf } from '../weights/layer.ts';
import type { ActivationChoice } from './activations.ts';
import { decideSteps, type GroupCandidates } from './decide-steps.ts';
import { fittedCandidates } from './fitted-candidates.ts';
import { type GroupDecision, hasGivenSegments } from './group-decision.ts';
import { activationGroups, isOtherReader } from './groups.ts';
import { roundedCandidates } from './rounded-candidates.ts';

/** What was decided for the network. */
export interface Choice {
  readonly activations: ReadonlyMap<TensorId, ActivationChoice>;
  /** Number of segments of each layer, or `flush`. */
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
  /** Why each layer got its width and segments. */
  readonly reasons: ReadonlyMap<NodeId, string>;
}

/**
 * Decides the steps of data, and segments. For each group of activations the numbers of steps allowed are tried, and judged by the
 * noise that they make.
 */
export async function chooseConfiguration(
  statistics: Statistics,
  options: QuantizeOptions,
  progress: Progress,
): Promise<Choice> {
  const { graph, histograms } = statistics;
  const activations = new Map<TensorId, ActivationChoice>();
  const segments = new Map<NodeId, number | 'flush'>();
  const reasons = new Map<NodeId, string>();
  const groups = activationGroups(graph);
  progress.start('choose data bits', groups.length);
  for (const group of groups) {
    const histogram = mergeHistograms(group.members.map((id) => must(histograms.get(id), `histogram of ${id}`)));
    const layers = group.readers.map((n) => layerOf(graph, n, optionsOfLayer(options, n)));
    const others = graph.nodes.filter((n) => isOtherReader(n, group)).length;
    const decision = { group, histogram, layers, others, options, statistics };
    const { best, why } = decideSteps(await candidatesOf(decision));
    const { quant, noise } = best.choice;
    for (const [id, own] of gridsOfGroup(graph, group, quant)) activations.set(id, { quant: own, noise });
    for (const [id, count] of best.segments) {
      segments.set(id, count);
      reasons.set(id, why);
    }
    progress.tick();
  }
  progress.done();
  return { activations, segments, reasons };
}

function candidatesOf(decision: GroupDecision): Promise<GroupCandidates> {
  const { layers, options } = decision;
  const isFitted = layers.length > 0 && hasGivenSegments(layers) && fitsWeights(options.techniques);
  return isFitted ? fittedCandidates(decision) : roundedCandidates(decision);
}
