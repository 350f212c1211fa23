import { exhaustive } from '../../core/exhaustive.ts';
import type { QuantParams } from '../../graph/types.ts';
import { indexGrid } from '../../ops/arg-max.ts';
import type { Histogram } from '../histogram.ts';
import { type ClippingOptions, chooseParams, rangeOfSteps, relativeError } from './clipping.ts';
import type { ActivationGroup, NaturalRange } from './groups.ts';

/** The quantization of a group of activations at one width. */
export interface ActivationChoice {
  readonly quant: QuantParams;
  /** Σ error² / Σ x² of rounding and clipping the values. */
  readonly noise: number;
}

/**
 * Parameters of a group's activations.
 * @param histogram all values of the group
 * @param options the number of steps and how to clip; a function's natural range is taken whole
 */
export function chooseActivation(
  group: ActivationGroup,
  histogram: Histogram,
  options: ClippingOptions,
): ActivationChoice {
  if (group.natural === undefined) return chooseParams(histogram, options);
  const quant = naturalParams(group.natural, options.steps);
  return { quant, noise: relativeError(histogram, quant) };
}

/** Steps of powers of two; softmax and indices always have 8 bits. */
function naturalParams(range: NaturalRange, steps: number): QuantParams {
  switch (range) {
    case 'softmax':
      return { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 };
    case 'argMax':
      return indexGrid;
    case 'sigmoid': {
      const { qmin, qmax } = rangeOfSteps(steps);
      return { scale: [1 / (steps + 1)], zeroPoint: qmin, qmin, qmax };
    }
    case 'tanh':
      return { scale: [2 / (steps + 1)], zeroPoint: 0, ...rangeOfSteps(steps) };
    default:
      return exhaustive(range);
  }
}
