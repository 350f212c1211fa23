import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { batches, type Dataset } from '../data/dataset.ts';
import { splitDataset } from '../data/split.ts';
import type { Graph } from '../graph/types.ts';
import { argmax } from '../interpret/accuracy.ts';
import { createFloatEvaluator } from '../interpret/float.ts';
import { predictInstructions } from '../kernels/predict.ts';
import { gather } from '../quantize/calibrate.ts';
import type { LayerOverride, QuantizeOptions } from '../quantize/options.ts';
import { checkedOptions, quantizeCalibrated } from '../quantize/quantize.ts';
import { measureCandidates } from '../quantize/search/candidates.ts';
import { searchGlobally } from '../quantize/search/global.ts';
import { searchLayerWise } from '../quantize/search/layer-wise.ts';
import { sensitivities } from '../quantize/search/sensitivity.ts';
import type { Found, Goal, LayerSettings } from '../quantize/search/trial.ts';
import { calibrateNetwork } from '../quantize/statistics.ts';
import type { Technique } from '../quantize/techniques.ts';
import type { Target } from '../targets/target.ts';
import { createEvaluationCache } from './evaluation-cache.ts';

export type SearchKind = 'layer-wise' | 'global';

/** How to search, and for what. */
export interface SearchSettings {
  readonly kind: SearchKind;
  readonly goal: Pick<Goal, 'maxDrop' | 'maxInstructions'>;
  /** Where finished evaluations are kept; only in memory without it. */
  readonly cache: string | undefined;
}

export interface SearchRequest {
  /** Float. */
  readonly graph: Graph;
  /** A part of it is held out to choose by. */
  readonly calibration: Dataset;
  readonly quantizer: Partial<QuantizeOptions>;
  readonly target: Target;
}

export interface SearchResult extends Found {
  /** Held out. */
  readonly samples: number;
  /** Scores are top-1 accuracy, else the share of samples that are classified as the float network does. */
  readonly labelled: boolean;
  readonly floatScore: number;
  /** What was looked for, in a few words. */
  readonly reason: string;
}

/** What takes minutes a network, and gains much the same whatever is chosen: left to the quantization of what was found. */
const slow: ReadonlySet<Technique> = new Set(['feedback', 'descent']);
/** Samples that sensitivities are measured on. */
const SENSITIVITY_SAMPLES = 16;

/** Searches the configuration of all layers. Deterministic; an interrupted search finds its evaluations in the cache. */
export async function searchConfiguration(
  request: SearchRequest,
  { kind, goal, cache }: SearchSettings,
  progress: Progress = silentProgress,
): Promise<SearchResult> {
  const { graph, target } = request;
  const { rest, held } = splitDataset(request.calibration);
  const asked = checkedOptions(graph, request.quantizer);
  const options = { ...asked, techniques: new Set([...asked.techniques].filter((t) => !slow.has(t))) };
  const statistics = await calibrateNetwork(graph, rest, options, progress);
  const { judged, floatScore } = await judgeOf(graph, held);
  const evaluations = createEvaluationCache(judged, cache);
  const instructionsOf = (quantized: Graph) => predictInstructions(quantized, target);
  const units = await measureCandidates(
    {
      graph: statistics.graph,
      statistics,
      options,
      instructionsOf,
      sensitivities: await measureSensitivities(statistics.graph, rest),
      global: kind === 'global',
    },
    progress,
  );
  const attempt = async (layers: LayerSettings) => {
    const merged = mergeLayers(options.layers, layers);
    const quantized = await quantizeCalibrated(statistics, { ...options, layers: merged });
    const score = (await evaluations.correct(quantized.graph)) / judged.count;
    return { instructions: instructionsOf(quantized.graph), score };
  };
  const whole = { ...goal, floatScore };
  const found =
    kind === 'global'
      ? await searchGlobally(units, whole, attempt, progress)
      : await searchLayerWise(units, whole, attempt, progress);
  return {
    ...found,
    samples: judged.count,
    labelled: held.labels !== undefined,
    floatScore,
    reason: reasonOf(kind, goal),
  };
}

function reasonOf(kind: SearchKind, { maxDrop, maxInstructions }: SearchSettings['goal']): string {
  const within = maxInstructions === undefined ? '' : ` within ${maxInstructions} instructions`;
  if (maxDrop !== undefined) return `fewest instructions within ${Number((maxDrop * 100).toFixed(4))} points${within}`;
  return `${kind === 'global' ? 'best accuracy' : 'best accuracy, layer after layer'}${within}`;
}

/** The quantizer's options with what was found. */
export async function searchedOptions(
  request: SearchRequest,
  settings: SearchSettings | undefined,
  progress: Progress,
): Promise<{ quantizer: Partial<QuantizeOptions>; search?: SearchResult }> {
  const { quantizer } = request;
  if (settings === undefined) return { quantizer };
  const search = await searchConfiguration(request, settings, progress);
  return {
    quantizer: { ...quantizer, layers: mergeLayers(quantizer.layers ?? new Map(), search.chosen.layers) },
    search,
  };
}

/** The settings of the search; what the user asked of a layer stays. */
function mergeLayers(
  asked: ReadonlyMap<string, LayerOverride>,
  found: LayerSettings,
): ReadonlyMap<string, LayerOverride> {
  const names = new Set([...asked.keys(), ...found.keys()]);
  return new Map([...names].map((name) => [name, { ...found.get(name), ...asked.get(name) }]));
}

/** The held-out samples with labels: their own, else what the float network says. */
async function judgeOf(graph: Graph, held: Dataset): Promise<{ judged: Dataset; floatScore: number }> {
  const said = await floatLabels(graph, held);
  const { labels } = held;
  if (labels === undefined) return { judged: { ...held, labels: said }, floatScore: 1 };
  return { judged: held, floatScore: said.filter((label, i) => label === labels[i]).length / held.count };
}

const CHUNK = 64;

async function floatLabels(graph: Graph, data: Dataset): Promise<Int32Array> {
  const output = must(graph.outputs[0], 'output').tensor;
  const evaluator = await createFloatEvaluator(graph, { activations: [output] });
  const labels = new Int32Array(data.count);
  try {
    for (let from = 0; from < data.count; from += CHUNK) {
      const to = Math.min(data.count, from + CHUNK);
      const scores = must((await evaluator.run(batches(data, from, to), to - from)).get(output), 'output');
      const size = scores.length / (to - from);
      for (let i = from; i < to; i++) labels[i] = argmax(scores, (i - from) * size, size);
    }
    return labels;
  } finally {
    await evaluator.release();
  }
}

async function measureSensitivities(graph: Graph, data: Dataset) {
  const count = Math.min(SENSITIVITY_SAMPLES, data.count);
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  try {
    const samples = Array.from({ length: count }, (_, i) => i);
    const values = await evaluator.run(gather(data, samples), count);
    return await sensitivities(graph, { count, values });
  } finally {
    await evaluator.release();
  }
}
