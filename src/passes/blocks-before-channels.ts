import { must } from '../core/must.ts';
import { isKind, producerOf, tensorOf } from '../graph/build.ts';
import type { Conv2dOp, DepthToSpaceOp, Graph, Node, QuantParams, Tensor } from '../graph/types.ts';
import { edited, freshTensorId, type Pass, soleConsumer, untilStable } from './pass.ts';

/**
 * DepthToSpace in the order CRD (PyTorch's PixelShuffle) takes every block²-th channel, byte by byte. Where a convolution
 * computes these channels, it computes them in the order DCR instead, in which all channels of a pixel's row of a block are one run.
 * Requires: channels-last (after nhwc-layout), activations fused.
 * Guarantees: a DepthToSpace whose channels come from a convolution without groups, at most through functions of one
 * value and roundings, is DCR.
 */
export const blocksBeforeChannels: Pass = {
  name: 'blocks-before-channels',
  run: (graph) => untilStable(graph, reorder),
};

function reorder(graph: Graph, node: Node): Graph | undefined {
  if (!isKind(node, 'depthToSpace') || node.op.mode === 'DCR') return undefined;
  const conv = convolutionBefore(graph, node);
  if (conv === undefined) return undefined;
  const [x, w, b] = conv.inputs;
  const weights = tensorOf(graph, must(w, 'weights'));
  const order = channelOrder(node.op, weights.shape[0]!);
  const [newWeights, newBias] = [weights, tensorOf(graph, must(b, 'bias'))].map((t) => reordered(graph, t, order));
  const inputs = [x!, newWeights!.id, newBias!.id];
  return edited(graph, {
    nodes: new Map<string, readonly Node[]>([
      [conv.id, [{ ...conv, inputs }]],
      [node.id, [{ ...node, op: { ...node.op, mode: 'DCR' } }]],
    ]),
    tensors: [newWeights!, newBias!],
  });
}

/** The convolution whose channels the node reads, and nothing else does. */
function convolutionBefore(graph: Graph, reader: Node): Node<Conv2dOp> | undefined {
  const node = producerOf(graph, reader.inputs[0]!);
  if (node === undefined || soleConsumer(graph, node.outputs[0]!) === undefined) return undefined;
  if (isKind(node, 'conv2d')) return node.op.groups === 1 ? node : undefined;
  const alike = isKind(node, 'unary') || (isKind(node, 'fakeQuant') && node.op.quant.axis === undefined);
  return alike ? convolutionBefore(graph, node) : undefined;
}

/** The CRD channel at each place of the DCR order. */
function channelOrder({ block }: DepthToSpaceOp, depth: number): number[] {
  const positions = block ** 2;
  const channels = depth / positions;
  return Array.from({ length: depth }, (_, i) => (i % channels) * positions + Math.floor(i / channels));
}

/** A constant with its first axis in another order. */
function reordered(graph: Graph, tensor: Tensor, order: readonly number[]): Tensor {
  const data = must(tensor.data, `values of ${tensor.id}`);
  const length = data.length / order.length;
  const moved = data.slice();
  order.forEach((from, to) => {
    moved.set(data.subarray(from * length, (from + 1) * length), to * length);
  });
  const quant = tensor.quant && reorderedScales(tensor.quant, order);
  return { ...tensor, id: freshTensorId(graph, `${tensor.id}.reordered`), data: moved, ...(quant && { quant }) };
}

function reorderedScales(quant: QuantParams, order: readonly number[]): QuantParams {
  return quant.axis === 0 ? { ...quant, scale: order.map((from) => quant.scale[from]!) } : quant;
}
