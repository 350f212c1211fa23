import { GraphBuilder, inputsOf, isKind, outputOf } from '../graph/build.ts';
import type { DiffuseOp, Graph, IntegerReduction, Node, Origin, Tensor } from '../graph/types.ts';
import { readDiffusion } from '../onnx/diffusion-metadata.ts';
import { badMetadata, type QdqMetadata } from '../onnx/metadata.ts';
import { readWinograd, type WinogradMetadata } from '../onnx/winograd-metadata.ts';
import { carriesFit } from '../ops/carries.ts';
import { isWideGrid } from '../ops/diffusion.ts';
import { quantOf } from '../ops/quantized.ts';
import { isReductionNode, type ReductionNode } from '../proof/certify.ts';

/**
 * Gives a fused graph the names of the float network and the accumulators and requantization that the metadata says, and puts
 * layers in the Winograd domain in the place of the convolutions that stand for them, and error diffusion in that of tables.
 * @throws reject `bad-metadata` where its layers are not those of the graph
 */
export function applyMetadata(graph: Graph, metadata: QdqMetadata, place: string): Graph {
  const layers = [...metadata.layers];
  const diffusions = new Map(metadata.diffused?.map((d) => [d.name, readDiffusion(d)]));
  const builder = GraphBuilder.rebuild(graph);
  for (const node of graph.nodes) {
    const origin = originalOf(node, metadata);
    if (!isReductionNode(node)) {
      const named = { ...node, origin };
      const diffusion = diffusions.get(origin.name);
      diffusions.delete(origin.name);
      builder.nodes.push(diffusion ? diffusing(graph, named, diffusion, place) : named);
      continue;
    }
    const layer = layers.shift();
    if (layer?.name !== origin.name) {
      throw badMetadata(`it does not describe layer "${origin.name}"`, place);
    }
    const { name: _, winograd, ...said } = layer;
    const biasRemainders = said.requant === 'float32' ? node.op.integer?.biasRemainders : undefined;
    const integer = { ...said, ...(biasRemainders && { biasRemainders }) };
    const named = { ...node, origin };
    builder.nodes.push(
      winograd === undefined
        ? ({ ...named, op: { ...node.op, integer } } as Node)
        : transformed({ graph, builder, place }, named, integer, winograd),
    );
  }
  for (const name of diffusions.keys()) throw badMetadata(`the network has no node "${name}" to diffuse errors`, place);
  if (layers.length > 0) throw badMetadata(`the network has no layer "${layers[0]?.name}"`, place);
  return builder.build();
}

/** The table between two grids, as the error diffusion that it stands for. */
function diffusing(graph: Graph, node: Node, op: DiffuseOp, place: string): Node {
  const [x, y] = [inputsOf(graph, node)[0], outputOf(graph, node)];
  const isTable = isKind(node, 'unary') && node.op.fn.name === 'identity';
  const isImage = x?.shape.length === 4 && x.shape[0] === 1;
  const isNarrowed = isTable && isImage && isWideGrid(quantOf(x), quantOf(y)) && quantOf(x).step !== quantOf(y).step;
  const { carries, pixelSum } = op;
  if (!isNarrowed || (carries && !carriesFit(carries.weights, x.shape[3]!))) {
    throw badMetadata(`errors can't be diffused at "${node.origin.name}"`, place);
  }
  // Sums are counted from the lowest integer: padding, which is zero, must not add to them.
  if (pixelSum !== undefined && quantOf(y).zeroPoint !== quantOf(y).qmin) {
    throw badMetadata(`no sum of pixels can be kept at "${node.origin.name}": zero is not its lowest integer`, place);
  }
  return { ...node, op };
}

function transformed(
  { graph, builder, place }: { readonly graph: Graph; readonly builder: GraphBuilder; readonly place: string },
  node: ReductionNode,
  integer: IntegerReduction,
  metadata: WinogradMetadata,
): Node {
  const [x, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const { op, weights, scale, bias } = readWinograd(metadata);
  const [outputs, kh, kw, channels] = w.shape as [number, number, number, number];
  const taps = (op.tile + 2) ** 2;
  const fits =
    isKind(node, 'conv2d') &&
    kh === 3 &&
    kw === 3 &&
    node.op.groups === 1 &&
    [...node.op.strides, ...node.op.dilations].every((n) => n === 1) &&
    op.input.multiplier.length === taps &&
    weights.length === outputs * taps * channels &&
    scale.length === outputs * taps &&
    bias.length === outputs;
  if (!fits)
    throw badMetadata(`what it says about "${node.origin.name}" in the Winograd domain does not fit it`, place);
  const quant = { scale: [...scale], zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const { pads, clamp } = node.op;
  return {
    ...node,
    op: { ...op, pads, integer, ...(clamp && { clamp }) },
    inputs: [
      x.id,
      builder.constant(w.id, [outputs * taps, channels], weights, { quant }),
      builder.constant(b.id, b.shape, bias),
    ],
  };
}

/** Nodes of a written file are called `<original name>/<operator>`. */
function originalOf({ origin }: Node, { operators }: QdqMetadata): Origin {
  const name = origin.name.slice(0, Math.max(0, origin.name.lastIndexOf('/')));
  const opType = operators[name];
  return opType === undefined ? origin : { name, opType };
}
