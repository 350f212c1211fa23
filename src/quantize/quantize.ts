import { unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import type { Dataset } from '../data/dataset.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { Graph, Node, NodeId, TensorId } from '../graph/types.ts';
import { createFloatEvaluator } from '../interpret/float.ts';
import { placeOf } from '../ops/errors.ts';
import { isReductionNode } from '../proof/certify.ts';
import { gather } from './calibrate.ts';
import { settleSums } from './calibrated/settle.ts';
import { checkQuantized, scaleProblem } from './check.ts';
import { checkLayerNames, completeOptions, type QuantizeOptions } from './options.ts';
import { quantizedInputs } from './quantized-inputs.ts';
import { type Decision, type LayerReport, layerReports } from './report.ts';
import { integerGraph } from './rewrite/integer-graph.ts';
import { limitPixels } from './rewrite/limit-pixels.ts';
import { withNarrowRequantization } from './rewrite/requant16.ts';
import { withoutCopies } from './rewrite/split-readers.ts';
import type { InstructionCount } from './search/request.ts';
import { calibrateNetwork, MEASURED_SAMPLES, type Statistics } from './statistics.ts';
import { type Choice, chooseConfiguration } from './steps/choose.ts';
import { gridOf } from './steps/clipping.ts';
import { fitLayers } from './weights/fit-layers.ts';
import type { FittedLayer } from './weights/layer.ts';
import { refine } from './weights/refine.ts';
import type { Wanted } from './winograd/decide.ts';
import { withWinograd } from './winograd/network.ts';
import { planWinograd, type WinogradPlan, winogradSegments, withWinogradBits } from './winograd/plan.ts';

/** A graph in integers, certified. */
export interface QuantizedModel {
  /** Legal in the sense of check.ts. Nodes are those of the float graph, and identities in front of layers with data of their own. */
  readonly graph: Graph;
  readonly layers: readonly LayerReport[];
}

/** Samples at the beginning of the calibration data that verification runs, at most. */
const VERIFIED_SAMPLES = 8;

/**
 * Quantizes a float network under its accumulators: every layer is proven not to overflow (DESIGN §4, §5).
 * @param graph after the passes for float graphs
 * @param instructionsOf predicts them, for the report
 * @throws reject for options and data that do not fit; unsupported `not-quantizable` for operators without an integer form
 */
export async function quantize(
  graph: Graph,
  dataset: Dataset,
  given: Partial<QuantizeOptions> = {},
  progress: Progress = silentProgress,
  instructionsOf?: InstructionCount,
): Promise<QuantizedModel> {
  const options = checkedOptions(graph, given);
  const statistics = await calibrateNetwork(graph, dataset, options, progress);
  return quantizeCalibrated(statistics, options, progress, instructionsOf);
}

/** The options, completed, for a network that can be quantized. Throws as `quantize` does. */
export function checkedOptions(graph: Graph, given: Partial<QuantizeOptions>): QuantizeOptions {
  const options = completeOptions(given);
  checkLayerNames(options, graph);
  checkQuantizable(graph);
  return options;
}

/**
 * Quantizes with statistics that are there already.
 * @param given options, complete, with the techniques that the statistics were taken for
 */
export async function quantizeCalibrated(
  statistics: Statistics,
  given: QuantizeOptions,
  progress: Progress = silentProgress,
  instructionsOf?: InstructionCount,
): Promise<QuantizedModel> {
  const { dataset, subset, means } = statistics;
  const plan = planWinograd(statistics.graph, given);
  const options = withWinogradBits(statistics.graph, plan, given);
  const { techniques } = options;
  const choice = await chooseConfiguration(statistics, options, progress);
  const graph = techniques.has('pixel-sums')
    ? limitPixels(statistics.graph, choice, statistics.sampled, options)
    : statistics.graph;
  const fitted = await fitLayers(graph, choice, statistics.slackOf, options);
  const quants = new Map([...choice.activations].map(([id, { quant }]) => [id, quant]));
  const rounded = integerGraph(graph, quants, fitted, options.requant);
  checkScales(rounded);
  const refined = await refine(statistics, rounded, fitted, options, progress);
  const inputs = quantizedInputs(rounded, dataset, subset);
  const wanted = await wantedOutputs(statistics, plan);
  const count = subset.length;
  const segments = winogradSegments(graph, plan, given);
  const transformed = await withWinograd(
    {
      float: graph,
      quantized: refined.graph,
      plan,
      count,
      inputs,
      means,
      techniques,
      wanted,
      segments,
      instructionsOf,
    },
    progress,
  );
  const calibrated = options.analysis === 'calibrated';
  const sums = calibrated ? await settled(statistics, transformed.graph, options, fitted) : transformed.graph;
  // Last, since it depends on the biases.
  const quantized = withNarrowRequantization(withoutCopies(sums));
  checkQuantized(quantized);
  const decisions = decisionsOf(graph, choice, fitted, refined.noise);
  return { graph: quantized, layers: layerReports(quantized, decisions, transformed.decisions) };
}

/** Float outputs of the layers whose domain is to be decided, on the samples that errors are measured on. */
async function wantedOutputs({ graph, dataset, subset }: Statistics, plan: WinogradPlan): Promise<Wanted> {
  const open = graph.nodes.filter((node) => plan.get(node.id) === 'auto').map((node) => outputOf(graph, node).id);
  if (open.length === 0) return { count: 0, values: new Map() };
  const measured = subset.slice(0, MEASURED_SAMPLES);
  const evaluator = await createFloatEvaluator(graph, { activations: open });
  try {
    return { count: measured.length, values: await evaluator.run(gather(dataset, measured), measured.length) };
  } finally {
    await evaluator.release();
  }
}

/** What is not proven is measured: on the samples that biases were corrected on, and the first ones, which verification runs. */
async function settled(
  { graph, dataset, subset }: Statistics,
  quantized: Graph,
  { guard, requant }: QuantizeOptions,
  fitted: ReadonlyMap<NodeId, FittedLayer>,
): Promise<Graph> {
  const first = Array.from({ length: Math.min(VERIFIED_SAMPLES, dataset.count) }, (_, i) => i);
  const samples = [...new Set([...first, ...subset])];
  const inputs = quantizedInputs(quantized, dataset, samples);
  return settleSums(graph, quantized, inputs, samples.length, { guard, grid: gridOf(requant), fitted });
}

function decisionsOf(
  graph: Graph,
  { activations, reasons }: Choice,
  fitted: ReadonlyMap<NodeId, FittedLayer>,
  refined: ReadonlyMap<NodeId, number>,
): Map<NodeId, Decision> {
  const dataNoise = (id: TensorId) => must(activations.get(id), `quantization of ${id}`).noise;
  return new Map(
    graph.nodes.filter(isReductionNode).map((n) => {
      const noise = refined.get(n.id) ?? dataNoise(n.inputs[0]!) + must(fitted.get(n.id), n.id).rounded.noise;
      return [n.id, { noise, why: must(reasons.get(n.id), n.id) }];
    }),
  );
}

function checkQuantizable(graph: Graph): void {
  const refused = graph.nodes.flatMap((node) => {
    const reason = refusalOf(node);
    return reason === undefined ? [] : [`${placeOf(node.origin)}: ${reason}`];
  });
  if (refused.length === 0) return;
  throw unsupported({
    code: 'not-quantizable',
    message: `${refused.length === 1 ? 'One operator has' : `${refused.length} operators have`} no integer form here.`,
    details: refused,
    hint: 'Give the float model: neonarrow quantizes it itself. BatchNormalization must follow a layer with weights.',
  });
}

function checkScales(graph: Graph): void {
  const refused = graph.nodes.flatMap((node) => {
    const problem = isReductionNode(node)
      ? undefined
      : scaleProblem(node, inputsOf(graph, node), outputOf(graph, node));
    return problem === undefined ? [] : [`${placeOf(node.origin)}: ${problem}`];
  });
  if (refused.length === 0) return;
  throw unsupported({
    code: 'not-quantizable',
    message: `${refused.length === 1 ? 'One operator has' : `${refused.length} operators have`} no integer form on these data.`,
    details: refused,
    hint: 'Sums that nearly cancel lose all of their bits: change the model there, or calibrate with data that are not all alike.',
  });
}

function refusalOf(node: Node): string | undefined {
  if (node.op.kind === 'fakeQuant') return 'the network is quantized already';
  if (node.op.kind === 'affine') return 'it could not be folded into a layer with weights';
  return undefined;
}
