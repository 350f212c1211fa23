import { must } from '../../core/must.ts';
import { outputOf } from '../../graph/build.ts';
import type { Graph, NodeId, TensorId } from '../../graph/types.ts';
import type { SlackOf } from '../calibrated/slack.ts';
import { optionsOfLayer, type QuantizeOptions } from '../options.ts';
import type { Choice } from '../steps/choose.ts';
import { gridOf } from '../steps/clipping.ts';
import { isReduction } from '../steps/groups.ts';
import { type FittedLayer, fitLayer, layerOf } from './layer.ts';

/** The final weights: with the steps of inputs and outputs known. */
export async function fitLayers(
  graph: Graph,
  choice: Choice,
  slackOf: SlackOf,
  options: QuantizeOptions,
): Promise<Map<NodeId, FittedLayer>> {
  const grid = gridOf(options.requant);
  const quantOf = (id: TensorId) => must(choice.activations.get(id), `quantization of ${id}`).quant;
  const fitted = new Map<NodeId, FittedLayer>();
  for (const node of graph.nodes.filter(isReduction)) {
    const layer = layerOf(graph, node, optionsOfLayer(options, node));
    const x = quantOf(node.inputs[0]!);
    const segments = must(choice.segments.get(node.id), 'segments');
    const slack = await slackOf(layer, segments, x);
    const outputStep = quantOf(outputOf(graph, node).id).scale[0]!;
    const fit = fitLayer(layer, segments, { x, grid, outputStep, ...(slack && { slack }) });
    fitted.set(node.id, must(fit, `weights of ${node.id}`));
  }
  return fitted;
}
