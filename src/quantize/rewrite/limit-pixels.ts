import { consumersOf, isKind, tensorOf } from '../../graph/build.ts';
import type { DiffuseOp, Graph, Node, QuantParams } from '../../graph/types.ts';
import { wideGrid } from '../../ops/diffusion.ts';
import { type LayerOptions, optionsOfLayer, type QuantizeOptions } from '../options.ts';
import type { SampledActivations } from '../search/output-error.ts';
import type { Choice } from '../steps/choose.ts';

/** The share of pixels that the limit leaves as they are. */
const KEPT = 0.999;

/**
 * Has error diffusion keep what a pixel's channels add up to at nearly every pixel of the samples, where that gives the layers that read
 * it more room than their ranges alone: convolutions, each with one accumulator, whose bound follows from the weights.
 * @param graph a float graph
 * @returns the same graph, node for node
 */
export function limitPixels(
  graph: Graph,
  choice: Choice,
  sampled: SampledActivations,
  options: QuantizeOptions,
): Graph {
  const nodes = graph.nodes.map((node) =>
    isKind(node, 'diffuse') ? limited(graph, node, choice, sampled, options) : node,
  );
  return { ...graph, nodes };
}

function limited(
  graph: Graph,
  node: Node<DiffuseOp>,
  { activations, segments }: Choice,
  { values }: SampledActivations,
  options: QuantizeOptions,
): Node {
  const id = node.outputs[0]!;
  const quant = activations.get(id)!.quant;
  const isSingle = (reader: Node) => isSingleSum(reader, optionsOfLayer(options, reader), segments);
  // On a grid as fine as its own it has nothing to do, and is taken out again.
  const isNarrower = wideGrid(quant) !== quant;
  const startsAtZero = quant.zeroPoint === quant.qmin;
  if (!isNarrower || !startsAtZero || !consumersOf(graph, id).every(isSingle)) return node;
  const channels = tensorOf(graph, id).shape.at(-1)!;
  const pixelSum = usualSum(values.get(id)!, channels, quant);
  return pixelSum < channels * (quant.qmax - quant.qmin) ? { ...node, op: { ...node.op, pixelSum } } : node;
}

function isSingleSum({ id, op }: Node, { lanes, analysis }: LayerOptions, segments: Choice['segments']): boolean {
  return op.kind === 'conv2d' && op.groups === 1 && lanes === 1 && analysis === 'weights' && segments.get(id) === 1;
}

/** What pixels add up to at most, but for a few. */
function usualSum(values: Float32Array, channels: number, { scale, qmin, qmax }: QuantParams): number {
  const [step, steps] = [scale[0]!, qmax - qmin];
  const sums = new Float64Array(values.length / channels);
  for (let i = 0; i < values.length; i++) {
    sums[Math.floor(i / channels)]! += Math.max(0, Math.min(steps, values[i]! / step));
  }
  return Math.max(1, Math.ceil(sums.sort()[Math.floor(KEPT * (sums.length - 1))]!));
}
