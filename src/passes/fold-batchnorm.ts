import { must } from '../core/must.ts';
import { isKind, producerOf, tensorOf } from '../graph/build.ts';
import type { AffineOp, Graph, Node, QuantParams, Tensor, TensorData } from '../graph/types.ts';
import { edited, freshTensorId, merged, type Pass, soleConsumer, untilStable } from './pass.ts';

/**
 * Folds y = x · scale + shift into weights and bias.
 * Requires: channels-last (after nhwc-layout), zero pads folded.
 * Guarantees: no affine operator stands behind a convolution or fully connected layer that only it reads (be it with the
 * pixels put side by side, or cropped, in between: a transposed convolution), nor before
 * one that is its only reader, unless padding (which is not shifted) or integer weights forbid it. Integer weights of a
 * producer stay integers: their scales change, and their signs where a factor is negative.
 */
export const foldBatchnorm: Pass = {
  name: 'fold-batchnorm',
  run: (graph) =>
    untilStable(graph, (g, node) => {
      if (!isKind(node, 'affine')) return undefined;
      return intoProducer(g, node) ?? intoAffine(g, node) ?? beforeMover(g, node) ?? intoConsumer(g, node);
    }),
};

function dataOf(graph: Graph, node: Node, index: number): TensorData {
  return must(tensorOf(graph, must(node.inputs[index], 'input')).data, `constant of ${node.id}`);
}

/** The constant with new values: a new tensor, as others may share the old one. */
function revised(graph: Graph, node: Node, index: number, data: Float32Array): Tensor {
  const old = tensorOf(graph, node.inputs[index]!);
  return { id: freshTensorId(graph, `${old.id}.folded`), shape: old.shape, dtype: 'float32', data };
}

function withConstants(node: Node, w: Tensor, b: Tensor): Node {
  return { ...node, inputs: [node.inputs[0]!, w.id, b.id] };
}

/** (w·x + b) · scale + shift */
function intoProducer(graph: Graph, node: Node<AffineOp>): Graph | undefined {
  const producer = producerOf(graph, node.inputs[0]!);
  if (producer === undefined || soleConsumer(graph, node.inputs[0]!) !== node) return undefined;
  if (!isKind(producer, 'conv2d') && !isKind(producer, 'fullyConnected')) return undefined;
  if (producer.op.clamp !== undefined) return undefined;
  const [scale, shift] = [dataOf(graph, node, 1), dataOf(graph, node, 2)];
  const length = dataOf(graph, producer, 1).length / scale.length;
  const { quant } = tensorOf(graph, producer.inputs[1]!);
  const scaled = quant && scaledGrid(quant, scale);
  if (quant !== undefined && scaled === undefined) return undefined;
  const w = Float32Array.from(dataOf(graph, producer, 1), (v, i) => v * scale[Math.floor(i / length)]!);
  const b = Float32Array.from(dataOf(graph, producer, 2), (v, o) => v * scale[o]! + shift[o]!);
  const weights = { ...revised(graph, producer, 1, w), ...(scaled && { quant: scaled }) };
  const tensors = [weights, revised(graph, producer, 2, b)] as const;
  return merged(graph, withConstants(producer, ...tensors), node, tensors);
}

/** Smaller steps of weights leave float32 on the way to the output's. */
const leastScale = 2 ** -100;

/**
 * The grid of weights whose output channels are multiplied; undefined where it cannot be one scale a channel. A factor of
 * almost 0 (a dead channel) leaves weights that are zeros on the old grid.
 */
function scaledGrid(quant: QuantParams, factors: TensorData): QuantParams | undefined {
  if (quant.axis !== undefined && quant.axis !== 0) return undefined;
  const scale = Array.from(factors, (f, o) => {
    const old = quant.axis === undefined ? quant.scale[0]! : quant.scale[o]!;
    const scaled = Math.fround(old * Math.abs(f));
    return scaled < leastScale ? old : scaled;
  });
  const negative = factors.some((f) => f < 0);
  const [lo, hi] = [quant.qmin - quant.zeroPoint, quant.qmax - quant.zeroPoint];
  const range = negative ? { qmin: Math.min(lo, -hi), qmax: Math.max(hi, -lo) } : { qmin: lo, qmax: hi };
  return { scale, zeroPoint: 0, ...range, axis: 0 };
}

/** Two affine operators in a row are one. */
function intoAffine(graph: Graph, node: Node<AffineOp>): Graph | undefined {
  const first = producerOf(graph, node.inputs[0]!);
  if (first === undefined || !isKind(first, 'affine') || soleConsumer(graph, node.inputs[0]!) !== node)
    return undefined;
  const [scale, shift] = [dataOf(graph, node, 1), dataOf(graph, node, 2)];
  const s = Float32Array.from(dataOf(graph, first, 1), (v, c) => v * scale[c]!);
  const t = Float32Array.from(dataOf(graph, first, 2), (v, c) => v * scale[c]! + shift[c]!);
  const tensors = [revised(graph, first, 1, s), revised(graph, first, 2, t)] as const;
  return merged(graph, withConstants(first, ...tensors), node, tensors);
}

/** Behind a slice of pixels, or channels that became pixels, the same happens before them. */
function beforeMover(graph: Graph, node: Node<AffineOp>): Graph | undefined {
  const mover = producerOf(graph, node.inputs[0]!);
  if (mover === undefined || soleConsumer(graph, node.inputs[0]!) !== node || !standsOnLayer(graph, mover)) {
    return undefined;
  }
  const x = tensorOf(graph, mover.inputs[0]!);
  const [scale, shift] = [dataOf(graph, node, 1), dataOf(graph, node, 2)];
  const channelOf = channelBefore(mover, x, scale.length);
  if (channelOf === undefined) return undefined;
  const count = x.shape.at(-1)!;
  const spread = (data: TensorData) => Float32Array.from({ length: count }, (_, i) => data[channelOf(i)]!);
  const constants = [scale, shift].map((data, i): Tensor => {
    const old = tensorOf(graph, node.inputs[i + 1]!);
    return { id: freshTensorId(graph, `${old.id}.spread`), shape: [count], dtype: 'float32', data: spread(data) };
  });
  const moved: Tensor = { id: freshTensorId(graph, `${x.id}.scaled`), shape: x.shape, dtype: 'float32' };
  const affine = { ...node, inputs: [x.id, ...constants.map((t) => t.id)], outputs: [moved.id] };
  return edited(graph, {
    nodes: new Map<string, readonly Node[]>([
      [mover.id, [affine, { ...mover, inputs: [moved.id], outputs: node.outputs }]],
      [node.id, []],
    ]),
    tensors: [...constants, moved],
  });
}

/** True for a mover of the result of a layer with weights that nothing else reads. */
function standsOnLayer(graph: Graph, mover: Node): boolean {
  if (mover.op.kind !== 'slice' && mover.op.kind !== 'depthToSpace' && mover.op.kind !== 'reshape') return false;
  const below = producerOf(graph, mover.inputs[0]!);
  if (below === undefined || soleConsumer(graph, mover.inputs[0]!) !== mover) return false;
  return isKind(below, 'conv2d') ? below.op.clamp === undefined : standsOnLayer(graph, below);
}

/** The channel behind the mover of each channel before it; undefined where one becomes several. */
function channelBefore({ op }: Node, x: Tensor, channels: number): ((channel: number) => number) | undefined {
  const before = x.shape.at(-1)!;
  if (op.kind === 'depthToSpace' && op.mode === 'CRD') return (i) => Math.floor(i / op.block ** 2);
  if (op.kind === 'slice') return before === channels && op.steps.at(-1) === 1 ? (i) => i : undefined;
  return before % channels === 0 ? (i) => i % channels : undefined;
}

/** w·(x · scale + shift) + b, where all of x is scaled and shifted, or where nothing is shifted. */
function intoConsumer(graph: Graph, node: Node<AffineOp>): Graph | undefined {
  const consumer = soleConsumer(graph, node.outputs[0]!);
  if (consumer === undefined || consumer.inputs[0] !== node.outputs[0] || isQuantized(graph, consumer))
    return undefined;
  const [scale, shift] = [dataOf(graph, node, 1), dataOf(graph, node, 2)];
  if (!isKind(consumer, 'conv2d') && !isKind(consumer, 'fullyConnected')) return undefined;
  const padded = isKind(consumer, 'conv2d') && consumer.op.pads.some((p) => p > 0);
  if (padded && shift.some((v) => v !== 0)) return undefined;
  const old = dataOf(graph, consumer, 1);
  const { shape } = tensorOf(graph, consumer.inputs[1]!);
  const [channels, perGroup] = [shape[0]!, shape.at(-1)!];
  const perOutput = channels / (isKind(consumer, 'conv2d') ? consumer.op.groups : 1);
  const length = old.length / channels;
  const w = new Float32Array(old.length);
  const b = Float64Array.from(dataOf(graph, consumer, 2));
  for (let i = 0; i < old.length; i++) {
    const o = Math.floor(i / length);
    const c = Math.floor(o / perOutput) * perGroup + (i % perGroup);
    w[i] = old[i]! * scale[c]!;
    b[o] = b[o]! + old[i]! * shift[c]!;
  }
  const tensors = [revised(graph, consumer, 1, w), revised(graph, consumer, 2, Float32Array.from(b))] as const;
  const next = { ...withConstants(consumer, ...tensors), inputs: [node.inputs[0]!, tensors[0].id, tensors[1].id] };
  return edited(graph, {
    nodes: new Map<string, readonly Node[]>([
      [node.id, []],
      [consumer.id, [next]],
    ]),
    tensors,
  });
}

/** Weights that carry integers must keep them. */
function isQuantized(graph: Graph, node: Node): boolean {
  return tensorOf(graph, node.inputs[1] ?? node.inputs[0]!).quant !== undefined;
}
