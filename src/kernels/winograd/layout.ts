import { must } from '../../core/must.ts';
import { inputsOf, outputOf } from '../../graph/build.ts';
import type { Graph, IntegerReduction, Node, Pads, Tensor, WinogradOp } from '../../graph/types.ts';
import { type WinogradTransforms, winogradTransforms } from '../../numeric/winograd.ts';
import { type WinogradScales, type WinogradShape, winogradScales, winogradShape } from '../../ops/winograd-parts.ts';
import { type Stretch, stretchInstructions } from '../k-lanes/cost.ts';
import { mostPixels, tileChannels } from '../k-lanes/tile.ts';
import { stepProducts } from '../k-lanes/walk.ts';

/** A Winograd convolution as its kernel sees it. */
export interface WinogradLayer extends WinogradShape {
  readonly node: Node<WinogradOp>;
  readonly transforms: WinogradTransforms;
  readonly taps: number;
  readonly integer: IntegerReduction;
  readonly x: Tensor;
  readonly y: Tensor;
  /** (outputs · taps) × channels */
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly scales: WinogradScales;
  /** Tiles of the whole output. */
  readonly tiles: number;
  /** Channels, padded to whole steps: bytes of a tile's tap. */
  readonly tapBytes: number;
}

export function winogradLayer(node: Node<WinogradOp>, graph: Graph): WinogradLayer {
  const inputs = inputsOf(graph, node);
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor];
  const y = outputOf(graph, node);
  const transforms = winogradTransforms(node.op.tile);
  const shape = winogradShape(node, x.shape, w.shape);
  return {
    ...shape,
    node,
    transforms,
    taps: shape.size ** 2,
    integer: must(node.op.integer, `integer reduction of ${node.id}`),
    x,
    y,
    weights: w.data as Int8Array,
    bias: b.data as Int32Array,
    scales: winogradScales(node, inputs, y),
    tiles: shape.tilesHigh * shape.tilesWide,
    tapBytes: Math.ceil(shape.channels / stepProducts) * stepProducts,
  };
}

/** How the tiles are divided. */
export interface Blocking {
  /** Tiles whose products share loaded weights: the pixels of `k-lanes`. */
  readonly group: number;
  /** Tiles that are transformed, multiplied and transformed back together, a multiple of `group`. */
  readonly block: number;
}

/**
 * Bytes of transformed input at a time, at most. Products walk over it once for each four output channels, so that it must
 * stay in the second cache; the weights pass by once for each block.
 */
const mostTransformed = 2 ** 16;

export function blockingOf(layer: WinogradLayer): Blocking {
  const groups = Array.from({ length: mostPixels }, (_, i) => mostPixels - i).map((group) => ({
    group,
    instructions: productInstructions(layer, group),
  }));
  const { group } = groups.reduce((a, b) => (b.instructions < a.instructions ? b : a));
  const most = Math.max(1, Math.floor(mostTransformed / (layer.taps * layer.tapBytes * group)));
  const all = Math.ceil(layer.tiles / group);
  const blocks = Math.ceil(all / most);
  return { group, block: Math.ceil(all / blocks) * group };
}

/** The stretches of K between flushes, all of whole steps: channels are padded to these. */
export function stretchesOf({ integer }: WinogradLayer): Stretch[] {
  return integer.accumulator.segments.map((end, i, all) => {
    const steps = end - (all[i - 1] ?? 0);
    return { passes: Math.floor(steps / 2), single: steps % 2 === 1, half: false };
  });
}

/** Of all products, in groups of that many tiles: passes over K, the reduction of the lanes, scaling. */
export function productInstructions(layer: WinogradLayer, group: number): number {
  const { taps, tiles, outputs } = layer;
  const stretches = stretchesOf(layer);
  const passes = stretches.reduce((sum, stretch) => sum + stretchInstructions(stretch, group, 1), 0);
  const one = passes + (8 * stretches.length - 1) * group + 2 * group + 10;
  return Math.ceil(tiles / group) * taps * Math.ceil(outputs / tileChannels) * one;
}

/** Scratch memory: the transformed input of a block, and the tap sums of four channels behind it. */
export interface WinogradScratch {
  readonly sums: number;
  readonly bytes: number;
}

export function scratchOf(layer: WinogradLayer): WinogradScratch {
  const { block } = blockingOf(layer);
  const sums = layer.taps * block * layer.tapBytes;
  return { sums, bytes: sums + layer.taps * block * tileChannels * 4 };
}

/** The border that whole tiles read. */
export function tileBorder(layer: WinogradLayer): Pads {
  const { node, tilesHigh, tilesWide, size, x } = layer;
  const [top, left] = node.op.pads;
  const rest = (tiles: number, extent: number, before: number): number =>
    Math.max(0, (tiles - 1) * node.op.tile + size - extent - before);
  return [top, left, rest(tilesHigh, x.shape[1]!, top), rest(tilesWide, x.shape[2]!, left)];
}
