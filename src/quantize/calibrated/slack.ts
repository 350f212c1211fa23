import { must } from '../../core/must.ts';
import type { AccumulatorModel, Graph, QuantParams } from '../../graph/types.ts';
import { isReductionNode } from '../../proof/certify.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import type { SampledActivations } from '../search/output-error.ts';
import { type Layer, modelOf } from '../weights/layer.ts';
import { createProbe, mergeStatistics } from './probe.ts';

/**
 * How many times the proven budget the sums of each channel leave room for, if they stay as wide as on the samples, times the guard: a
 * first guess for rounding the weights, from the float network. `settleSums` then measures the integers.
 * @returns undefined where the layer's analysis proves, or where its flushes follow from the weights
 */
export type SlackOf = (
  layer: Layer,
  segments: number | 'flush',
  x: QuantParams,
) => Promise<ArrayLike<number> | undefined>;

/** For each channel and accumulator, `channel · accumulators + accumulator`. */
interface RealSums {
  /** hi − lo of the real sum. */
  readonly extent: Float64Array;
  /** Σ|w| */
  readonly norm: Float64Array;
  readonly accumulators: number;
}

export function createSlack(graph: Graph, sampled: SampledActivations): SlackOf {
  const known = new Map<string, Promise<RealSums>>();
  return async (layer, segments, x) => {
    if (layer.options.analysis !== 'calibrated' || segments === 'flush') return undefined;
    const model = modelOf(layer, segments);
    const key = JSON.stringify([layer.node.id, { ...model, bits: 0 }]);
    const sums = known.get(key) ?? measure(graph, layer, model, sampled);
    known.set(key, sums);
    const { extent, norm, accumulators } = await sums;
    const width = (x.qmax - x.qmin) * x.scale[0]!;
    return Float64Array.from({ length: layer.reduction.channels }, (_, o) => {
      let least = Infinity;
      for (let i = o * accumulators; i < (o + 1) * accumulators; i++) {
        if (norm[i]! > 0) least = Math.min(least, (width * norm[i]!) / Math.max(extent[i]!, 1e-30));
      }
      return Math.max(1, least === Infinity ? 1 : least / layer.options.guard);
    });
  };
}

async function measure(
  graph: Graph,
  { node, reduction, weights }: Layer,
  model: AccumulatorModel,
  { values, count }: SampledActivations,
): Promise<RealSums> {
  const accumulators = model.segments.length * model.lanes;
  const norm = new Float64Array(reduction.channels * accumulators);
  const owner = accumulatorOfProduct(model, reduction.length);
  weights.forEach((w, i) => {
    norm[Math.floor(i / reduction.length) * accumulators + owner[i % reduction.length]!]! += Math.abs(w);
  });
  if (!isReductionNode(node)) return { extent: norm, norm, accumulators };
  const probe = await createProbe({ graph, node, model, weights });
  try {
    const id = must(node.inputs[0], 'x');
    const { lo, hi } = mergeStatistics(await probe.run(must(values.get(id), `values of ${id}`), count));
    return { extent: hi.map((h, i) => h - lo[i]!), norm, accumulators };
  } finally {
    await probe.release();
  }
}
