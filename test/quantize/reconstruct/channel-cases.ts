import { createRandom } from '../../../src/core/random.ts';
import { type ChannelProblem, integersOf, squaredErrorOf } from '../../../src/quantize/reconstruct/channel.ts';
import { feedbackFactor } from '../../../src/quantize/reconstruct/feedback.ts';
import type { FitMethod } from '../../../src/quantize/reconstruct/fit.ts';
import { roundWeights } from '../../../src/quantize/weights/round.ts';

export interface Case {
  readonly problem: ChannelProblem;
  readonly start: { readonly q: Int8Array; readonly scale: number };
}

/** Correlated operands, weights at random, and what rounding to nearest makes of them under the budget. */
export function caseOf(length: number, budget: number, lanes = 1, limit = 127, seed = 1): Case {
  const random = createRandom(seed, length);
  const mix = Float64Array.from({ length: length * length }, () => random.normal());
  const hessian = new Float64Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      for (let k = 0; k < length; k++)
        hessian[i * length + j]! += (mix[i * length + k]! * mix[j * length + k]!) / length;
    }
  }
  const weights = Float32Array.from({ length }, () => random.normal());
  const wanted = Float64Array.from({ length }, (_, i) =>
    weights.reduce((sum, w, j) => sum + w * hessian[i * length + j]!, 0),
  );
  const power = weights.reduce((sum, w, i) => sum + w * wanted[i]!, 0);
  const model = { bits: 16, lanes, step: lanes, runLength: length, segments: [Math.ceil(length / lanes)] };
  const options = { limit, budgets: [budget], grid: 'float32', leastScale: [1e-30] } as const;
  const { data, scale } = roundWeights(weights, 1, model, options);
  const accumulators = Int32Array.from({ length }, (_, k) => k % lanes);
  const problem = { length, hessian, wanted, power, accumulators, accumulatorCount: lanes, budget, limit };
  return { problem, start: { q: data, scale: scale[0]! } };
}

/** The same with limits on pixels in place of the budget: `channels` products a tap. */
export function limitedCase(
  length: number,
  channels: number,
  steps: number,
  sum: number,
  extent: number,
  seed = 1,
): Case {
  const { problem } = caseOf(length, 1, 1, 127, seed);
  const pixels = { channels, steps, sum, extent };
  const options = { limit: 127, budgets: [0], pixels, grid: 'float32', leastScale: [1e-30] } as const;
  const model = { bits: 16, lanes: 1, step: 1, runLength: length, segments: [length] };
  const weights = Float32Array.from(problem.wanted);
  const { data, scale } = roundWeights(weights, 1, model, options);
  return { problem: { ...problem, pixels }, start: { q: data, scale: scale[0]! } };
}

export function feedbackOf({ hessian, length }: ChannelProblem, descent: boolean): FitMethod {
  return { descent, feedback: feedbackFactor(hessian, length) };
}

export const errorOf = (problem: ChannelProblem, { q, scale }: { q: Int8Array; scale: number }) =>
  squaredErrorOf(problem, integersOf(problem, q), scale);
