import { NeonarrowError } from '../core/diagnostics.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph } from '../graph/types.ts';
import type { Accuracy } from '../interpret/accuracy.ts';
import type { QuantizeOptions } from '../quantize/options.ts';
import { checkedOptions, quantizeCalibrated } from '../quantize/quantize.ts';
import type { LayerReport } from '../quantize/report.ts';
import { calibrateNetwork } from '../quantize/statistics.ts';
import type { EvaluationCache } from './evaluation-cache.ts';

/** One accumulator to try, and how the ranges of its sums are known. */
export type Accumulator = Pick<QuantizeOptions, 'lanes' | 'analysis'> & { readonly bits: number };

/** What one accumulator costs in accuracy. */
export interface SweepPoint extends Accumulator {
  /** Null where the analysis finds no weights that fit. */
  readonly top1: number | null;
  /** Below float, as a fraction: 0.01 is one point. Negative where the quantized network is better. */
  readonly drop: number | null;
  /** Bits of the layers' inputs and weights, averaged over the layers. */
  readonly dataBits: number;
  readonly weightBits: number;
  /** The accumulators' use, averaged over the layers. */
  readonly utilization: number;
  /** Every layer is. */
  readonly proven: boolean;
}

export interface SweepRequest {
  /** Float. */
  readonly graph: Graph;
  readonly calibration: Dataset;
  /** Everything but the accumulator. */
  readonly quantizer: Partial<QuantizeOptions>;
  readonly accumulators: readonly Accumulator[];
  /** On the evaluation data. */
  readonly float: Pick<Accuracy, 'top1' | 'samples'>;
  readonly evaluations: EvaluationCache;
}

/**
 * The paper's experiment: accuracy against the width of the accumulator. The network is calibrated once, and what two
 * accumulators quantize alike is evaluated once.
 * @returns a point for each accumulator, in their order
 */
export async function sweep(request: SweepRequest, progress: Progress = silentProgress): Promise<SweepPoint[]> {
  const { graph, calibration, accumulators, float } = request;
  const common = checkedOptions(graph, request.quantizer);
  const statistics = await calibrateNetwork(graph, calibration, common, progress);
  const points: SweepPoint[] = [];
  progress.start('sweep', accumulators.length);
  for (const accumulator of accumulators) {
    const { bits, lanes, analysis } = accumulator;
    const options = checkedOptions(graph, { ...common, accBits: bits, lanes, analysis });
    const quantized = await quantizeCalibrated(statistics, options).catch(unlessTooNarrow);
    const top1 = quantized && (await request.evaluations.correct(quantized.graph)) / float.samples;
    const { layers } = quantized ?? { layers: [] };
    points.push({
      ...accumulator,
      top1: top1 ?? null,
      drop: top1 === undefined ? null : float.top1 - top1,
      ...summaryOf(layers),
    });
    progress.tick();
  }
  progress.done();
  return points;
}

/** That nothing fits is a result here. */
function unlessTooNarrow(error: unknown): undefined {
  if (error instanceof NeonarrowError && error.code === 'accumulator-too-narrow') return undefined;
  throw error;
}

function summaryOf(layers: readonly LayerReport[]) {
  const mean = (of: (layer: LayerReport) => number) =>
    Number((layers.reduce((sum, layer) => sum + of(layer), 0) / Math.max(1, layers.length)).toFixed(3));
  return {
    dataBits: mean((l) => l.dataBits),
    weightBits: mean((l) => l.weightBits),
    utilization: mean((l) => l.utilization),
    proven: layers.length > 0 && layers.every((l) => l.proven),
  };
}
