import { unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import type { Dataset } from '../data/dataset.ts';
import { outputOf } from '../graph/build.ts';
import type { Graph, Node, NodeId, TensorId } from '../graph/types.ts';
import { runNodeExactly } from '../interpret/exact-node.ts';
import { createFloatEvaluator } from '../interpret/float.ts';
import { inputQuantizer } from '../interpret/quantize-input.ts';
import { placeOf } from '../ops/errors.ts';
import type { ActivationChoice } from './activations.ts';
import { type Calibration, calibrate, gather } from './calibrate.ts';
import { isReductionNode } from './certify.ts';
import { checkQuantized } from './check.ts';
import { type Choice, chooseConfiguration } from './choose.ts';
import { gridOf } from './clipping.ts';
import { correctBiases } from './correct.ts';
import { integerGraph } from './integer-graph.ts';
import { type FittedLayer, fitLayer, layerOf } from './layer.ts';
import { checkLayerNames, completeOptions, optionsOfLayer, type QuantizeOptions } from './options.ts';
import { type LayerReport, layerReports } from './report.ts';
import { withNarrowRequantization } from './requant16.ts';
import { createOutputError, type OutputError } from './search/output-error.ts';
import { withWinograd } from './winograd/network.ts';
import { planWinograd, withWinogradBits } from './winograd/plan.ts';

/** A graph in integers, certified. */
export interface QuantizedModel {
  /** Legal in the sense of check.ts. Nodes and their names are those of the float graph. */
  readonly graph: Graph;
  readonly layers: readonly LayerReport[];
}

/** Samples that biases are corrected on, at most. */
const CORRECTION_SAMPLES = 256;
/** Samples that the errors of layers are measured on, at most: of the same ones. */
const MEASURED_SAMPLES = 32;

/**
 * Quantizes a float network under its accumulators: every layer is proven not to overflow (DESIGN §4, §5).
 * @param graph after the passes for float graphs
 * @throws reject for options and data that do not fit; unsupported `not-quantizable` for operators without an integer form
 */
export async function quantize(
  graph: Graph,
  dataset: Dataset,
  given: Partial<QuantizeOptions> = {},
  progress: Progress = silentProgress,
): Promise<QuantizedModel> {
  const options = checkedOptions(graph, given);
  const calibration = await calibrateNetwork(graph, dataset, options, progress);
  return quantizeCalibrated(graph, dataset, calibration, options, progress);
}

/** The options, completed, for a network that can be quantized. Throws as `quantize` does. */
export function checkedOptions(graph: Graph, given: Partial<QuantizeOptions>): QuantizeOptions {
  const options = completeOptions(given);
  checkLayerNames(options, graph);
  checkQuantizable(graph);
  return options;
}

/** What every quantization of the network on some samples starts from. */
export interface Statistics extends Calibration {
  readonly outputError: OutputError;
}

/** Taken once for many quantizations. */
export async function calibrateNetwork(
  graph: Graph,
  dataset: Dataset,
  { samples }: Pick<QuantizeOptions, 'samples'>,
  progress: Progress = silentProgress,
): Promise<Statistics> {
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  try {
    const meanSamples = CORRECTION_SAMPLES;
    const calibration = await calibrate(graph, dataset, evaluator.run, { samples, meanSamples, progress });
    const measured = calibration.subset.slice(0, MEASURED_SAMPLES);
    const values = await evaluator.run(gather(dataset, measured), measured.length);
    return { ...calibration, outputError: createOutputError(graph, { count: measured.length, values }) };
  } finally {
    await evaluator.release();
  }
}

/**
 * Quantizes with statistics that are there already.
 * @param calibration of this graph on this data set
 * @param options complete, for this graph
 */
export async function quantizeCalibrated(
  graph: Graph,
  dataset: Dataset,
  calibration: Statistics,
  given: QuantizeOptions,
  progress: Progress = silentProgress,
): Promise<QuantizedModel> {
  const plan = planWinograd(graph, given);
  const options = withWinogradBits(graph, plan, given);
  const choice = await chooseConfiguration(graph, calibration, options);
  const fitted = fitLayers(graph, choice, options);
  const quants = new Map([...choice.activations].map(([id, { quant }]) => [id, quant]));
  let quantized = integerGraph(graph, quants, fitted, options.requant);
  const count = calibration.subset.length;
  const samples = gather(dataset, calibration.subset);
  const inputs = new Map(
    quantized.inputs.map((port, i) => [
      port.tensor,
      inputQuantizer(quantized, port)(must(samples[i], port.name), count),
    ]),
  );
  if (options.biasCorrection) {
    quantized = await correctBiases(graph, quantized, calibration, inputs, runNodeExactly, progress);
  }
  const centreBias = options.biasCorrection;
  const { means } = calibration;
  quantized = await withWinograd(
    { float: graph, quantized, plan, count, inputs, means, centreBias },
    runNodeExactly,
    progress,
  );
  // Last, since it depends on the biases.
  quantized = withNarrowRequantization(quantized);
  checkQuantized(quantized);
  return { graph: quantized, layers: layerReports(quantized, noiseOf(graph, choice.activations, fitted)) };
}

/** The final weights: with the steps of inputs and outputs known. */
function fitLayers(graph: Graph, choice: Choice, options: QuantizeOptions): Map<NodeId, FittedLayer> {
  const grid = gridOf(options.requant);
  const quantOf = (id: TensorId) => must(choice.activations.get(id), `quantization of ${id}`).quant;
  return new Map(
    graph.nodes.filter(isReductionNode).map((node) => {
      const layer = layerOf(graph, node, optionsOfLayer(options, node));
      const x = quantOf(node.inputs[0]!);
      const outputStep = quantOf(outputOf(graph, node).id).scale[0]!;
      const segments = must(choice.segments.get(node.id), 'segments');
      return [node.id, must(fitLayer(layer, segments, { x, grid, outputStep }), `weights of ${node.id}`)];
    }),
  );
}

function noiseOf(
  graph: Graph,
  activations: ReadonlyMap<TensorId, ActivationChoice>,
  fitted: ReadonlyMap<NodeId, FittedLayer>,
): Map<NodeId, number> {
  const dataNoise = (id: TensorId) => must(activations.get(id), `quantization of ${id}`).noise;
  const layers = graph.nodes.filter(isReductionNode);
  return new Map(layers.map((n) => [n.id, dataNoise(n.inputs[0]!) + must(fitted.get(n.id), n.id).rounded.noise]));
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

function refusalOf(node: Node): string | undefined {
  if (node.op.kind === 'fakeQuant') return 'the network is quantized already';
  if (node.op.kind === 'affine') return 'it could not be folded into a layer with weights';
  return undefined;
}
