import type { Dataset } from '../data/dataset.ts';
import type { Graph } from '../graph/types.ts';
import { type Accuracy, type AccuracyOptions, quantizedAccuracy } from '../interpret/accuracy.ts';
import { overflowingSamples } from '../quantize/calibrated/overflow.ts';
import { isCalibrated } from '../quantize/calibrated/ranges.ts';

/** Accuracy of a quantized graph, its accumulators included. */
export interface IntegerAccuracy extends Accuracy {
  /** Samples on which a sum left an accumulator that is only calibrated; they count as wrong. Absent where all are proven. */
  readonly overflowed?: number;
}

/** Top-1 of a quantized graph: exact where every accumulator is proven, else at least what a program with them reaches. */
export async function integerAccuracy(
  graph: Graph,
  data: Dataset,
  options: AccuracyOptions = {},
): Promise<IntegerAccuracy> {
  if (!isCalibrated(graph)) return quantizedAccuracy(graph, data, options);
  const wrong = await overflowingSamples(graph, data);
  return { ...(await quantizedAccuracy(graph, data, { ...options, wrong })), overflowed: wrong.size };
}
