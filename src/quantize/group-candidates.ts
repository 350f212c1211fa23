import { gridOf } from './clipping.ts';
import type { GroupCandidates } from './decide-steps.ts';
import { fittedBudget, fittedCandidates } from './fitted-candidates.ts';
import type { GroupDecision, MeasureLayer } from './group-decision.ts';
import { fitLayer } from './layer.ts';
import { roundedCandidates } from './rounded-candidates.ts';
import { fitsWeights } from './techniques.ts';

/** The numbers of steps that are allowed for a group's activations, and what each of them leads to. */
export async function candidatesOfGroup(decision: GroupDecision): Promise<GroupCandidates> {
  const { layers, options, statistics } = decision;
  const isGiven = layers.length > 0 && layers.every((l) => typeof l.options.segments === 'number');
  const isFitted = isGiven && fitsWeights(options.techniques);
  const grid = gridOf(options.requant);
  const measure: MeasureLayer = async (layer, segments, x) => {
    const slack = await statistics.slackOf(layer, segments, x);
    const budgetFactor = isFitted ? fittedBudget(layer) : 1;
    const fitted = fitLayer(layer, segments, { x, grid, budgetFactor, ...(slack && { slack }) });
    return fitted && { segments, fitted, ...(await statistics.outputError(layer, x, fitted)) };
  };
  if (isFitted) return fittedCandidates(decision, measure);
  const { limit, ...rest } = await roundedCandidates(decision, measure);
  return isGiven ? rest : { ...rest, limit };
}
