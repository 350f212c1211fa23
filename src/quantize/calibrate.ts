import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { chooseSamples } from '../data/choose.ts';
import { type Dataset, perInput } from '../data/dataset.ts';
import { formatShape, sizeOf } from '../graph/shape.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { addValues, createHistogram, type Histogram } from './histogram.ts';
import { isReduction } from './steps/groups.ts';

/** What the float network does on the calibration data. */
export interface Calibration {
  /** The values of each activation. */
  readonly histograms: ReadonlyMap<TensorId, Histogram>;
  /** The mean of each element, over `subset`, of what layers with weights read; in the tensor's own order. */
  readonly means: ReadonlyMap<TensorId, Float64Array>;
  /** Samples of the data set, ascending, that the means are of: bias correction runs on the same ones. */
  readonly subset: readonly number[];
}

/** Runs the float network on `count` samples: the values of every activation, in its own order, sample after sample. */
export type FloatRun = (inputs: readonly Float32Array[], count: number) => Promise<ReadonlyMap<TensorId, Float32Array>>;

export interface CalibrateOptions {
  /** Samples used, at most; chosen evenly at random, always the same. */
  readonly samples: number;
  /** Samples among them that means are taken over, at most. */
  readonly meanSamples: number;
  readonly progress?: Progress;
}

/** Samples a run: enough to keep both cores busy, few enough for 355,000 activations each. */
const BATCH = 16;
const SEED = 1;
/** Float activations that are held at a time, 64 MiB, but those of four samples in any case: large networks say much in few. */
const MOST_VALUES = 2 ** 24;
const LEAST_SAMPLES = 4;

/** How many samples, up to `most`, may have all their activations in memory. */
export function affordableSamples(graph: Graph, most: number): number {
  const values = [...graph.tensors.values()].reduce((sum, t) => sum + (t.data === undefined ? sizeOf(t.shape) : 0), 0);
  return Math.min(most, Math.max(LEAST_SAMPLES, Math.floor(MOST_VALUES / values)));
}

/**
 * Gathers the statistics of all activations in one pass, whatever the number of samples.
 * @throws reject `no-samples`, `data-shape`, `data-not-finite`, `activation-not-finite`
 */
export async function calibrate(
  graph: Graph,
  dataset: Dataset,
  run: FloatRun,
  options: CalibrateOptions,
): Promise<Calibration> {
  checkDataset(graph, dataset);
  const progress = options.progress ?? silentProgress;
  const chosen = chooseSamples(dataset.count, options.samples, SEED);
  const subset = chooseSamples(chosen.length, options.meanSamples, SEED).map((i) => chosen[i]!);
  const inSubset = new Set(subset);
  const rest = chosen.filter((i) => !inSubset.has(i));
  const activations = [...graph.inputs.map((p) => p.tensor), ...graph.nodes.flatMap((n) => n.outputs)];
  const histograms = new Map(activations.map((id) => [id, createHistogram()]));
  const means = meansOf(graph);
  progress.start('calibrate', chosen.length);
  const batch = affordableSamples(graph, BATCH);
  for (const [samples, isMean] of [...batchesOf(subset, true, batch), ...batchesOf(rest, false, batch)]) {
    const values = await run(gather(dataset, samples), samples.length);
    // Tensors that are the same in float share their values, and so their histogram.
    const counted = new Map<Float32Array, Histogram>();
    for (const id of activations) {
      const v = must(values.get(id), `values of ${id}`);
      const h = counted.get(v) ?? must(histograms.get(id), id);
      if (!counted.has(v) && !addValues(h, v)) throw notFinite(graph, dataset, id);
      counted.set(v, h);
      histograms.set(id, h);
      const mean = isMean ? means.get(id) : undefined;
      if (mean !== undefined) accumulate(mean, v, subset.length);
    }
    progress.tick(samples.length);
  }
  progress.done();
  return { histograms, means, subset };
}

function batchesOf(
  samples: readonly number[],
  isMean: boolean,
  batch: number,
): (readonly [readonly number[], boolean])[] {
  return Array.from({ length: Math.ceil(samples.length / batch) }, (_, i) => [
    samples.slice(i * batch, (i + 1) * batch),
    isMean,
  ]);
}

/** The values of some samples for each input of the network, one sample after the other. */
export function gather(dataset: Dataset, samples: readonly number[]): Float32Array[] {
  return perInput(dataset).map((input) => {
    const values = new Float32Array(samples.length * input.sampleSize);
    samples.forEach((sample, i) => {
      values.set(input.batch(sample, sample + 1), i * input.sampleSize);
    });
    return values;
  });
}

function meansOf(graph: Graph): Map<TensorId, Float64Array> {
  const read = graph.nodes.filter(isReduction).map((n) => must(graph.tensors.get(n.inputs[0]!), 'x'));
  return new Map(read.map((t) => [t.id, new Float64Array(sizeOf(t.shape))]));
}

/** Adds a share of 1/`total` of each sample to the mean. */
function accumulate(mean: Float64Array, values: Float32Array, total: number): void {
  for (let from = 0; from < values.length; from += mean.length) {
    for (let i = 0; i < mean.length; i++) mean[i]! += values[from + i]! / total;
  }
}

/** Refuses data that the network cannot take. Throws as `calibrate` does. */
export function checkDataset(graph: Graph, dataset: Dataset): void {
  if (dataset.count < 1) {
    const hint = 'Give at least one sample; a few hundred make a good calibration.';
    throw reject({ code: 'no-samples', message: 'The data holds no samples.', place: dataset.describe, hint });
  }
  const given = perInput(dataset);
  for (const [i, { name, shape }] of graph.inputs.entries()) {
    const values = given[i]?.sampleSize ?? 0;
    if (values === sizeOf(shape)) continue;
    throw reject({
      code: 'data-shape',
      message: `The data has ${values} values a sample, but the model takes ${formatShape(shape)}: ${sizeOf(shape)}.`,
      place: dataset.describe,
      hint: `Give samples that fit the input "${name}".`,
    });
  }
}

function notFinite(graph: Graph, dataset: Dataset, id: TensorId) {
  const node = graph.nodes.find((n) => n.outputs.includes(id));
  if (node === undefined) {
    return reject({
      code: 'data-not-finite',
      message: 'A sample holds NaN or infinity.',
      place: dataset.describe,
      hint: 'Look for a division by zero in the preprocessing that wrote it.',
    });
  }
  return reject({
    code: 'activation-not-finite',
    message: `The float network gives NaN or infinity on the calibration data ${dataset.describe}.`,
    place: `node "${node.origin.name}" (${node.origin.opType})`,
    hint: 'Check that the preprocessing (--pixel-scale, --mean, --std) is that of the training.',
  });
}
