import { must } from '../../core/must.ts';
import { inputsOf, outputOf } from '../../graph/build.ts';
import type {
  Conv2dOp,
  FullyConnectedOp,
  Graph,
  IntegerReduction,
  Node,
  Pads,
  Pair,
  Tensor,
} from '../../graph/types.ts';
import type { Requantizer } from '../../numeric/requantize.ts';
import type { Reduction } from '../../ops/definition.ts';
import { definitionOf } from '../../ops/index.ts';
import { quantOf, reductionRequantizer } from '../../ops/quantized.ts';
import type { SumRange } from '../../proof/accumulator.ts';
import type { RowWalk } from './partition.ts';
import { walkOf } from './walk.ts';

export type ReductionNode = Node<Conv2dOp> | Node<FullyConnectedOp>;

/** A convolution as the K-in-lanes kernels see it; a fully connected layer is a 1×1 convolution over M pixels. */
export interface Geometry {
  readonly node: ReductionNode;
  readonly reduction: Reduction;
  readonly walk: RowWalk;
  readonly integer: IntegerReduction;
  readonly x: Tensor;
  readonly y: Tensor;
  /** channels × K */
  readonly weights: Int8Array;
  readonly weightScales: readonly number[];
  readonly bias: Int32Array;
  readonly xRange: SumRange;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: Pads;
  readonly groups: number;
  /** H×W of the output. */
  readonly outHeight: number;
  readonly outWidth: number;
}

const plain = { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;

export function geometryOf(node: ReductionNode, graph: Graph): Geometry {
  const inputs = inputsOf(graph, node);
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor];
  const y = outputOf(graph, node);
  const reduction = must(definitionOf(node).reduction, `reduction of ${node.op.kind}`)(node, inputs);
  const { qmin, qmax } = quantOf(x);
  const window = node.op.kind === 'conv2d' ? { ...node.op, kernel: [w.shape[1]!, w.shape[2]!] as const } : plain;
  const { kernel } = window;
  const walk = walkOf(reduction.length, reduction.runLength);
  return {
    node,
    reduction,
    walk: { ...walk, runsPerRow: walk.runs > kernel[0] && kernel[0] > 1 ? kernel[1] : 1 },
    integer: must(node.op.integer, `integer reduction of ${node.id}`),
    x,
    y,
    weights: w.data as Int8Array,
    weightScales: must(w.quant, `weight quantization of ${node.id}`).scale,
    bias: b.data as Int32Array,
    xRange: { lo: qmin, hi: qmax },
    kernel,
    strides: window.strides,
    dilations: window.dilations,
    pads: window.pads,
    groups: window.groups,
    outHeight: y.shape.length === 4 ? y.shape[1]! : 1,
    outWidth: y.shape.at(-2) ?? 1,
  };
}

/** Sum of one channel's weights: what the input's zero point is multiplied with. */
export function weightSum(g: Geometry, channel: number): number {
  const { length } = g.reduction;
  return g.weights.subarray(channel * length, (channel + 1) * length).reduce((sum, w) => sum + w, 0);
}

/** `bias' = bias − zp_x · Σw` (DESIGN §3): raw steps are multiplied, the zero point's share is constant. */
export function foldedBias(g: Geometry, channel: number): number {
  return g.bias[channel]! - quantOf(g.x).zeroPoint * weightSum(g, channel);
}

/** From a channel's sum to the output's steps. */
export function requantizerOf(g: Geometry, graph: Graph): Requantizer {
  return reductionRequantizer(g.node, [g.x, must(graph.tensors.get(g.node.inputs[1]!), 'weights')], g.y);
}
