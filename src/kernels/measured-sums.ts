import type { AccumulatorModel, IntegerReduction } from '../graph/types.ts';
import type { SumRange } from '../proof/accumulator.ts';

/**
 * What the accumulators of a calibrated layer are taken to be within, `[channel][segment · lanes + lane]`.
 * @returns undefined where the layer is proven, or where the kernel sums in other accumulators than the graph says
 */
export function measuredSums(
  { mode, accumulator, sums }: IntegerReduction,
  model: AccumulatorModel,
): readonly (readonly SumRange[])[] | undefined {
  if (mode !== 'calibrated' || accumulator.bits > model.bits || accumulator.lanes !== model.lanes) return undefined;
  const { step, runLength, segments } = accumulator;
  const same = step === model.step && runLength === model.runLength && segments.join() === model.segments.join();
  return same ? sums : undefined;
}
