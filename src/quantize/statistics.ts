import { type Progress, silentProgress } from '../core/progress.ts';
import { chooseSamples } from '../data/choose.ts';
import type { Dataset } from '../data/dataset.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph } from '../graph/types.ts';
import { createFloatEvaluator } from '../interpret/float.ts';
import { affordableSamples, type Calibration, calibrate, checkDataset, gather } from './calibrate.ts';
import { createSlack, type SlackOf } from './calibrated/slack.ts';
import type { QuantizeOptions } from './options.ts';
import { diffuseData } from './rewrite/diffuse-data.ts';
import { channelPowers, equalize } from './rewrite/equalize.ts';
import { splitReaders } from './rewrite/split-readers.ts';
import { createOutputError, type OutputError, type SampledActivations } from './search/output-error.ts';
import { diffusionAmong } from './techniques.ts';

/** What every quantization of a network on some samples, with some techniques, starts from. */
export interface Statistics extends Calibration {
  /** The float network that is quantized: the one given, prepared. */
  readonly graph: Graph;
  readonly dataset: Dataset;
  /** Samples of the data set that weights are fitted on. */
  readonly fitSamples: readonly number[];
  /** Float activations of the samples that errors are measured on. */
  readonly sampled: SampledActivations;
  readonly outputError: OutputError;
  readonly slackOf: SlackOf;
}

/** Samples that biases are corrected on where weights are not fitted, at most. */
const CORRECTION_SAMPLES = 256;
/** Samples that the errors of layers are measured on, at most: of the same ones. */
export const MEASURED_SAMPLES = 32;
/** Samples that channels are equalized on, at most. */
const EQUALIZATION_SAMPLES = 64;
/** Values of one activation, all samples together, that weights are fitted on at most: 512 MB. */
const FITTED_VALUES = 2 ** 27;
const SEED = 3;

/** Prepares the network and runs it on the samples: once for many quantizations. */
export async function calibrateNetwork(
  float: Graph,
  dataset: Dataset,
  { samples, techniques }: Pick<QuantizeOptions, 'samples' | 'techniques'>,
  progress: Progress = silentProgress,
): Promise<Statistics> {
  checkDataset(float, dataset);
  const split = techniques.has('wide-skips') ? splitReaders(float) : float;
  const scaled = techniques.has('equalize') ? await equalized(split, dataset) : split;
  const diffusion = diffusionAmong(techniques);
  const graph = diffusion === undefined ? scaled : diffuseData(scaled, diffusion);
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  try {
    const meanSamples = CORRECTION_SAMPLES;
    const calibration = await calibrate(graph, dataset, evaluator.run, { samples, meanSamples, progress });
    // As many for the network however it was prepared: what is decided on them should not hang on that.
    const measured = calibration.subset.slice(0, affordableSamples(float, MEASURED_SAMPLES));
    const sampled = { count: measured.length, values: await evaluator.run(gather(dataset, measured), measured.length) };
    const outputError = createOutputError(graph, sampled);
    const fitSamples = chooseSamples(dataset.count, Math.min(samples, mostSamples(graph)), SEED);
    return { ...calibration, graph, dataset, fitSamples, sampled, outputError, slackOf: createSlack(graph, sampled) };
  } finally {
    await evaluator.release();
  }
}

async function equalized(graph: Graph, dataset: Dataset): Promise<Graph> {
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  try {
    const samples = chooseSamples(dataset.count, affordableSamples(graph, EQUALIZATION_SAMPLES), SEED);
    return equalize(graph, channelPowers(graph, await evaluator.run(gather(dataset, samples), samples.length)));
  } finally {
    await evaluator.release();
  }
}

function mostSamples(graph: Graph): number {
  const sizes = graph.nodes.flatMap((n) => n.outputs.map((id) => sizeOf(graph.tensors.get(id)!.shape)));
  return Math.max(1, Math.floor(FITTED_VALUES / Math.max(...sizes)));
}
