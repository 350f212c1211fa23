import { must } from '../../core/must.ts';
import { inputsOf, outputOf } from '../../graph/build.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { fitsFixed16, makeRequantizer, requantize, toOutput } from '../../numeric/requantize.ts';
import { integerClamp, quantOf } from '../../ops/quantized.ts';
import { type IntegerLayer, integerLayerOf, isReductionNode, totalRanges } from '../../proof/certify.ts';

/**
 * Requantizes in 16 bits (`fixed16`) what is summed in 16 bits: layers whose channels lie in the lanes, without flushes,
 * proven. There a sum, its bias included, either fits 16 bits or is clamped in the output where it does not, for every
 * possible input: no output changes by the saturation, and 8 lanes are requantized at once instead of 4.
 */
export function withNarrowRequantization(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => (staysNarrow(graph, node) ? narrowed(node) : node));
  return nodes.every((node, i) => node === graph.nodes[i]) ? graph : { ...graph, nodes };
}

function narrowed(node: Node): Node {
  if (!isReductionNode(node)) return node;
  const integer = { ...must(node.op.integer, `integer reduction of ${node.id}`), requant: 'fixed16' } as const;
  return { ...node, op: { ...node.op, integer } } as Node;
}

function staysNarrow(graph: Graph, node: Node): boolean {
  if (!isReductionNode(node)) return false;
  const layer = integerLayerOf(graph, node);
  const { accumulator, requant, mode } = layer.integer;
  const channelsInLanes = layer.reduction.depthwise || layer.reduction.shortRows === true;
  const proven16 = mode === 'proven' && accumulator.bits === 16 && accumulator.segments.length === 1;
  if (requant !== 'fixed' || !channelsInLanes || !proven16 || accumulator.lanes !== 1) return false;
  return saturatesHarmlessly(graph, layer);
}

/** True where saturating a sum to 16 bits changes no output, whatever the input. */
function saturatesHarmlessly(graph: Graph, layer: IntegerLayer): boolean {
  const { node } = layer;
  const output = outputOf(graph, node);
  const [x] = inputsOf(graph, node);
  const real = layer.weights.quant.scale.map((w) => (quantOf(must(x, 'x')).step * w) / quantOf(output).step);
  if (!real.every(fitsFixed16)) return false;
  const requantizer = makeRequantizer('fixed16', real);
  const { lo, hi, zeroPoint } = integerClamp(output, node.op.clamp);
  const outputAt = (sum: number, c: number) => toOutput(requantize(requantizer, sum, c), zeroPoint, lo, hi);
  return totalRanges(layer).every(
    (range, c) =>
      (range.hi <= 32767 || outputAt(32767, c) === hi) && (range.lo >= -32768 || outputAt(-32768, c) === lo),
  );
}
