import type { Progress } from '../../core/progress.ts';
import type { Graph, NodeId } from '../../graph/types.ts';
import { inTensorOrder } from '../../interpret/order.ts';
import { gather } from '../calibrate.ts';
import type { QuantizeOptions } from '../options.ts';
import { quantizedInputs } from '../quantized-inputs.ts';
import { type ReconstructedNetwork, reconstructNetwork } from '../reconstruct/network.ts';
import type { Statistics } from '../statistics.ts';
import { gridOf } from '../steps/clipping.ts';
import { fitsWeights } from '../techniques.ts';
import { correctBiases } from './correct.ts';
import type { FittedLayer } from './layer.ts';

/** Weights fitted, or only biases corrected, or neither, as the techniques say. */
export async function refine(
  statistics: Statistics,
  quantized: Graph,
  fitted: ReadonlyMap<NodeId, FittedLayer>,
  { techniques, requant }: QuantizeOptions,
  progress: Progress,
): Promise<ReconstructedNetwork> {
  const { graph: float, dataset, fitSamples, subset } = statistics;
  if (fitsWeights(techniques)) {
    const samples = {
      count: fitSamples.length,
      real: inTensorOrder(float, gather(dataset, fitSamples)),
      quantized: quantizedInputs(quantized, dataset, fitSamples),
    };
    return reconstructNetwork({ float, quantized, fitted, grid: gridOf(requant), techniques, samples }, progress);
  }
  const noise = new Map<NodeId, number>();
  if (!techniques.has('bias')) return { graph: quantized, noise };
  const inputs = quantizedInputs(quantized, dataset, subset);
  return { graph: await correctBiases(float, quantized, statistics, inputs, progress), noise };
}
