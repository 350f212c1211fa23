import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, isKind, outputOf } from '../graph/build.ts';
import type {
  AccumulatorModel,
  Conv2dOp,
  FullyConnectedOp,
  Graph,
  IntegerReduction,
  Node,
  NodeId,
  QuantParams,
  Tensor,
  WinogradOp,
} from '../graph/types.ts';
import { largestSum } from '../numeric/requantize.ts';
import { type Reduction, stepCount } from '../ops/definition.ts';
import { definitionOf } from '../ops/index.ts';
import { reductionRequantizer } from '../ops/quantized.ts';
import { fitsRequantizer, winogradRanges, winogradScales } from '../ops/winograd-parts.ts';
import {
  type AccumulatorProof,
  fitsWindow,
  type OperandRange,
  overflowOf,
  proveReduction,
  type SumRange,
} from './accumulator.ts';
import { pixelLimitOf } from './pixel-sums.ts';

export type ReductionNode = Node<Conv2dOp> | Node<FullyConnectedOp>;

export function isReductionNode(node: Node): node is ReductionNode {
  return isKind(node, 'conv2d') || isKind(node, 'fullyConnected');
}

/** A layer of a quantized graph: also what the quantizer puts in the place of a convolution. */
export type IntegerNode = ReductionNode | Node<WinogradOp>;

export function isIntegerNode(node: Node): node is IntegerNode {
  return isReductionNode(node) || isKind(node, 'winograd');
}

/** A quantized layer with weights, its parts by name. */
export interface IntegerLayer {
  readonly node: IntegerNode;
  readonly integer: IntegerReduction;
  readonly reduction: Reduction;
  /** The input's quantization. */
  readonly x: QuantParams;
  /** The range of what is multiplied: of the input, or of the input transformed. */
  readonly operands: OperandRange;
  readonly weights: Tensor & { readonly data: Int8Array; readonly quant: QuantParams };
  readonly bias: Tensor & { readonly data: Int32Array };
}

export function integerLayerOf(graph: Graph, node: IntegerNode): IntegerLayer {
  const inputs = inputsOf(graph, node);
  const reduction = must(definitionOf(node).reduction, `reduction of ${node.id}`)(node, inputs);
  const x = must(inputs[0]?.quant, `quantization of the input of ${node.id}`);
  // Padding is part of pixels, too: it has to be their lowest integer.
  const pixels = x.zeroPoint === x.qmin ? pixelLimitOf(graph, node) : undefined;
  return {
    node,
    integer: must(node.op.integer, `integer reduction of ${node.id}`),
    reduction,
    x,
    operands: reduction.operands ?? { lo: x.qmin, hi: x.qmax, ...(pixels && { pixels }) },
    weights: inputs[1] as IntegerLayer['weights'],
    bias: inputs[2] as IntegerLayer['bias'],
  };
}

/**
 * Proves every accumulator of a quantized graph from its integer weights (DESIGN §4), and that each sum with its bias fits
 * what the requantizer takes.
 * @returns the proof of each reduction whose mode is `proven`
 * @throws reject `accumulator-overflow`, `sum-overflow` or `bad-accumulator`, naming the layer
 */
export function certify(graph: Graph): ReadonlyMap<NodeId, AccumulatorProof> {
  const proofs = new Map<NodeId, AccumulatorProof>();
  for (const node of graph.nodes.filter(isIntegerNode)) {
    const layer = integerLayerOf(graph, node);
    checkModel(layer);
    checkSums(graph, layer);
    if (layer.integer.mode === 'proven') proofs.set(node.id, proveLayer(layer));
    else checkMeasured(layer);
  }
  return proofs;
}

/** What was measured must be there for every accumulator, and fit. */
function checkMeasured({ node, integer, reduction }: IntegerLayer): void {
  const { accumulator, sums = [] } = integer;
  const accumulators = accumulator.segments.length * accumulator.lanes;
  const complete = sums.length === reduction.channels && sums.every((own) => own.length === accumulators);
  if (complete && sums.every((own) => own.every((range) => fitsWindow(range, accumulator.bits)))) return;
  throw reject({
    code: 'bad-accumulator',
    message: `Its measured sums ${complete ? `do not fit ${accumulator.bits} bits` : 'are not those of its accumulators'}.`,
    place: placeOf(node),
    hint: 'Quantize the float model again; the metadata does not belong to this network.',
  });
}

/** The proof of one layer. Rejects with `accumulator-overflow` where there is none. */
export function proveLayer({ node, integer, reduction, weights, operands }: IntegerLayer): AccumulatorProof {
  const model = integer.accumulator;
  const proof = proveReduction(model, weights.data, reduction.channels, operands);
  const overflow = overflowOf(proof);
  if (overflow === undefined) return proof;
  const { channel, bits, range } = overflow;
  throw reject({
    code: 'accumulator-overflow',
    message: `A sum of output channel ${channel} can be anything from ${range.lo} to ${range.hi}: too much for ${bits} bits.`,
    place: placeOf(node),
    hint: 'Quantize the float model again: its weights do not fit the accumulator that the layer asks for.',
  });
}

function placeOf(node: Node): string {
  return `node "${node.origin.name}" (${node.origin.opType})`;
}

function checkModel({ node, integer: { accumulator }, reduction }: IntegerLayer): void {
  if (isSound(accumulator, reduction)) return;
  throw reject({
    code: 'bad-accumulator',
    message: `Runs of ${accumulator.runLength} products and segments that end at ${accumulator.segments.join(', ')} do not divide the layer's ${reduction.length} products.`,
    place: placeOf(node),
    hint: 'Quantize the float model again; the metadata does not belong to this network.',
  });
}

/** Every product has one accumulator: runs of the reduction's length, segment ends that ascend to the last step. */
function isSound(model: AccumulatorModel, reduction: Reduction): boolean {
  const { segments, runLength } = model;
  if (reduction.length % runLength !== 0 || (model.lanes > 1 && reduction.depthwise)) return false;
  if (segments.at(-1) !== stepCount(model, reduction.length)) return false;
  return segments.every((end, i) => end > (i === 0 ? 0 : segments[i - 1]!));
}

/**
 * The range of the whole sum of each output channel, bias included, as requantized: Σ w·(x − zero point) + bias.
 */
export function totalRanges({
  reduction,
  weights,
  bias,
  x,
}: Pick<IntegerLayer, 'reduction' | 'x'> & {
  readonly weights: { readonly data: Int8Array };
  readonly bias: { readonly data: Int32Array };
}): SumRange[] {
  const [least, most] = [x.qmin - x.zeroPoint, x.qmax - x.zeroPoint];
  return Array.from({ length: reduction.channels }, (_, o) => {
    let [lo, hi] = [bias.data[o]!, bias.data[o]!];
    for (let k = o * reduction.length; k < (o + 1) * reduction.length; k++) {
      const [a, b] = [weights.data[k]! * least, weights.data[k]! * most];
      lo += Math.min(a, b);
      hi += Math.max(a, b);
    }
    return { lo, hi };
  });
}

function checkSums(graph: Graph, layer: IntegerLayer): void {
  const { node } = layer;
  if (isKind(node, 'winograd')) {
    checkWinograd(graph, node, layer);
    return;
  }
  const limit = largestSum(reductionRequantizer(node, inputsOf(graph, node), outputOf(graph, node)));
  const ranges = totalRanges(layer);
  const failing = ranges.findIndex(({ lo, hi }) => Math.max(-lo, hi) > limit);
  if (failing < 0) return;
  const { lo, hi } = ranges[failing]!;
  throw reject({
    code: 'sum-overflow',
    message: `The sum of output channel ${failing} can be anything from ${lo} to ${hi}; its requantization takes ±${limit}.`,
    place: placeOf(node),
    hint: "Check the scale of the layer's output: it is far finer than what the layer computes.",
  });
}

function checkWinograd(graph: Graph, node: Node<WinogradOp>, { weights, bias }: IntegerLayer): void {
  const scales = winogradScales(node, inputsOf(graph, node), outputOf(graph, node));
  const ranges = winogradRanges(node, scales, weights.data, bias.data);
  const failing = ranges.findIndex((range) => !fitsRequantizer(range, scales.requantizer));
  if (failing < 0) return;
  throw reject({
    code: 'sum-overflow',
    message: `The transformed sums of output channel ${failing} can reach ${ranges[failing]!.sum}: more than 32 bits hold.`,
    place: placeOf(node),
    hint: 'Quantize the float model again, or keep the layer direct: --layer NAME=winograd:off.',
  });
}
