import { must } from '../../core/must.ts';
import { type Progress, silentProgress } from '../../core/progress.ts';
import { outputOf } from '../../graph/build.ts';
import { singleNodeGraph } from '../../graph/part.ts';
import type { Graph, Node, QuantParams, TensorId } from '../../graph/types.ts';
import { isReductionNode } from '../../proof/certify.ts';
import { mergeHistograms } from '../histogram.ts';
import { optionsOfLayer, type QuantizeOptions } from '../options.ts';
import { integerGraph } from '../rewrite/integer-graph.ts';
import { withNarrowRequantization } from '../rewrite/requant16.ts';
import { type ActivationChoice, chooseActivation } from '../steps/activations.ts';
import { gridOf, stepsOf } from '../steps/clipping.ts';
import { stepsOfGroup } from '../steps/group-steps.ts';
import { type ActivationGroup, activationGroups, isOtherReader } from '../steps/groups.ts';
import { type FittedLayer, fitLayer, layerOf } from '../weights/layer.ts';
import { type Candidate, type Unit, undominated } from './front.ts';
import type { CandidateRequest } from './request.ts';
import { layerSettings, type NamedSettings } from './settings.ts';
import { winogradCandidates } from './winograd-candidates.ts';

/** The candidates of all layers, each with a measured error and a predicted cost; only those that none beats in both. */
export async function measureCandidates(
  request: CandidateRequest,
  progress: Progress = silentProgress,
): Promise<Unit<NamedSettings>[]> {
  const groups = activationGroups(request.graph).filter(({ readers }) => readers.length > 0);
  const units: Unit<NamedSettings>[] = [];
  progress.start('measure layers', groups.length);
  for (const group of groups) {
    units.push(await unitOf(group, request));
    progress.tick();
  }
  progress.done();
  return units;
}

async function unitOf(group: ActivationGroup, request: CandidateRequest): Promise<Unit<NamedSettings>> {
  const { graph, statistics, options } = request;
  const histogram = mergeHistograms(group.members.map((id) => must(statistics.histograms.get(id), id)));
  const layers = group.readers.map((n) => layerOf(graph, n, optionsOfLayer(options, n)));
  const others = graph.nodes.filter((n) => isOtherReader(n, group)).length;
  const variants: Candidate<NamedSettings>[][][] = [];
  for (const steps of stepsOfGroup(group, layers, options)) {
    // Settings are in bits.
    const bits = Math.log2(steps + 1);
    if (!Number.isInteger(bits)) continue;
    const { clipping, requant } = options;
    const choice = chooseActivation(group, histogram, { steps, clipping, grid: gridOf(requant) });
    const perLayer: Candidate<NamedSettings>[][] = [];
    for (const [i, node] of group.readers.entries()) {
      const candidates = await candidatesOf(node, choice, bits, request);
      // Additions read the same data: they see its noise once, whatever the layers do.
      const more = i === 0 ? others * choice.noise : 0;
      perLayer.push(undominated(candidates.map((c) => ({ ...c, error: c.error + more }))));
    }
    if (perLayer.every((candidates) => candidates.length > 0)) variants.push(perLayer);
  }
  return { variants };
}

async function candidatesOf(
  node: Node,
  choice: ActivationChoice,
  bits: number,
  request: CandidateRequest,
): Promise<Candidate<NamedSettings>[]> {
  const { graph, statistics, options, sensitivities, global } = request;
  const { name } = node.origin;
  const found: Candidate<NamedSettings>[] = [];
  const open = options.layers.get(name)?.winograd === undefined;
  const domain = options.winograd !== 'off' && open ? { winograd: 'off' as const } : {};
  for (const settings of layerSettings(optionsOfLayer(options, node), global)) {
    const override = { ...settings, ...options.layers.get(name), bits };
    const layer = layerOf(graph, node, { ...optionsOfLayer(options, node), ...override });
    const segments = layer.options.segments === 'auto' ? 1 : layer.options.segments;
    const x = choice.quant;
    const slack = await statistics.slackOf(layer, segments, x);
    const fitted = fitLayer(layer, segments, { x, grid: gridOf(options.requant), ...(slack && { slack }) });
    if (fitted === undefined) continue;
    const { noise } = await statistics.outputError(layer, x, fitted);
    const error = noise * must(sensitivities.get(node.id), node.id);
    const direct = alone(node, x, fitted, request);
    const instructions = request.instructionsOf(programOf(direct, fitted, options));
    found.push({ settings: { name, override: { ...override, ...domain, segments } }, error, instructions });
    // Their weights are their own: any of the direct candidates says what they read and write.
    if (global && open && found.length === 1) found.push(...(await winogradCandidates(node, direct, bits, request)));
  }
  return found;
}

/** The quantized layer in a graph of its own. */
function alone(
  node: Node,
  x: QuantParams,
  fitted: FittedLayer,
  { graph, statistics, options }: CandidateRequest,
): Graph {
  const y = outputOf(graph, node).id;
  const quants = new Map<TensorId, QuantParams>([[node.inputs[0]!, x]]);
  const histogram = must(statistics.histograms.get(y), y);
  const group = must(
    activationGroups(graph).find(({ members }) => members.includes(y)),
    y,
  );
  const { clipping, requant } = options;
  quants.set(y, chooseActivation(group, histogram, { steps: stepsOf(8), clipping, grid: gridOf(requant) }).quant);
  return integerGraph(singleNodeGraph(graph, node), quants, new Map([[node.id, fitted]]), requant);
}

/** As the quantizer leaves it behind all else. */
function programOf(direct: Graph, fitted: FittedLayer, { analysis }: QuantizeOptions): Graph {
  return withNarrowRequantization(analysis === 'calibrated' ? withRoom(direct, fitted) : direct);
}

/** As `settleSums` leaves a layer: the kernels run in the accumulators that it was fitted for. */
function withRoom(graph: Graph, { model, bounds }: FittedLayer): Graph {
  const own = Array.from({ length: model.segments.length * model.lanes }, () => ({ lo: 0, hi: 0 }));
  const sums = Array.from({ length: bounds.budgets.length }, () => own);
  const nodes = graph.nodes.map((node) => {
    if (!isReductionNode(node) || node.op.integer === undefined) return node;
    return { ...node, op: { ...node.op, integer: { ...node.op.integer, mode: 'calibrated', sums } } } as Node;
  });
  return { ...graph, nodes };
}
