import { must } from '../core/must.ts';
import type { AccumulatorModel, Conv2dOp, Graph, Node } from '../graph/types.ts';
import { fitsWindow, windowBudget } from '../proof/accumulator.ts';
import { greedySegments } from '../proof/segments.ts';
import { pixelsFor, type Target } from '../targets/target.ts';
import { channelRanges } from './channel-lanes/certify.ts';
import { epilogueInstructions } from './channel-lanes/cost.ts';
import { packChannelLanes } from './channel-lanes/pack.ts';
import { channelLanesView } from './channel-lanes/view.ts';
import { block, halvesOf, packChannels } from './channel-lanes/weights.ts';
import { type Geometry, geometryOf, requantizerOf } from './k-lanes/geometry.ts';
import type { Kernel, ViewContext } from './kernel.ts';

/** Longer rows make long code, and fill the 16 bytes of a K-in-lanes step well. */
const longestRow = 48;
/** Output pixels of a row that share loaded weights, at most: two accumulators each; with flushes, four more registers each. */
const mostPixels = 8;
const mostFlushed = 4;

/** Bytes of all rows up to which they are written out: no loop then carries the sums, which gcc copies around in one. */
const mostWritten = 48;

/** One row of the kernel is a step: lanes are flushed between rows, or not at all. */
function modelOf(g: Geometry): AccumulatorModel {
  const [kh] = g.kernel;
  const { runLength } = g.walk;
  const model: AccumulatorModel = { bits: 16, lanes: 1, step: runLength, runLength, segments: [kh] };
  const own = g.integer.accumulator;
  if (own.bits <= 16 && own.lanes === 1 && own.step === runLength) return { ...model, segments: own.segments };
  return greedySegments(model, g.weights, g.reduction.channels, windowBudget(16, g.xRange));
}

/** The byte of a kernel's row that a product reads, and the rest of it that pixels have in common. */
interface Byte {
  /** Place in the row: tap · channels + channel. */
  readonly k: number;
  /** Products of one class read bytes that are whole pixel strides apart, so neighbouring outputs share them. */
  readonly class: number;
}

/** The row's products in the order of use: class after class, so that few spread bytes are alive at a time. */
function rowOrder(g: Geometry): readonly Byte[] {
  const channels = g.x.shape[3]!;
  const between = g.strides[1] * channels;
  return Array.from({ length: g.walk.runLength }, (_, k) => ({ k, class: k % between })).sort(
    (a, b) => a.class - b.class || a.k - b.k,
  );
}

function productOrder(g: Geometry): number[] {
  const row = rowOrder(g);
  return Array.from({ length: g.kernel[0] }, (_, ky) => row.map(({ k }) => ky * g.walk.runLength + k)).flat();
}

function isFlushed({ segments }: AccumulatorModel): boolean {
  return segments.length > 1;
}

function isWritten(g: Geometry): boolean {
  return g.reduction.length <= mostWritten;
}

interface Layer {
  readonly g: Geometry;
  readonly model: AccumulatorModel;
  /** Instructions of a pixel's epilogue. */
  readonly epilogue: number;
}

function layerOf(node: Node<Conv2dOp>, graph: Graph): Layer {
  const g = geometryOf(node, graph);
  const model = modelOf(g);
  return { g, model, epilogue: epilogueInstructions(g, requantizerOf(g, graph), isFlushed(model)) };
}

/** Bytes of an input row that a tile reads. */
function bytesOfRow(g: Geometry, pixels: number): number {
  return (pixels - 1) * g.strides[1] * g.x.shape[3]! + g.walk.runLength;
}

function tileInstructions({ g, model, epilogue }: Layer, pixels: number): number {
  const [kh] = g.kernel;
  const { runLength } = g.walk;
  const between = g.strides[1] * g.x.shape[3]!;
  const reads = new Set(
    Array.from({ length: pixels * runLength }, (_, i) => Math.floor(i / runLength) * between + (i % runLength)),
  );
  const loads = Math.ceil(bytesOfRow(g, pixels) / 32);
  const halves = halvesOf(g);
  const row = loads + reads.size + runLength * (1 + halves * pixels);
  // In a loop, sums start from zero, and are cleared after a flush; else the first product of a segment starts them.
  const zero = isWritten(g) ? 0 : halves * pixels;
  const flushes = (model.segments.length - 1) * (2 * halves * pixels + zero);
  return kh * (row + (isWritten(g) ? 0 : 4)) + zero + flushes + pixels * epilogue + 16;
}

function tileCount(g: Geometry, pixels: number): number {
  return Math.ceil(g.reduction.channels / block) * g.outHeight * Math.ceil(g.outWidth / pixels);
}

function layerInstructions(layer: Layer, pixels: number): number {
  return tileCount(layer.g, pixels) * tileInstructions(layer, pixels);
}

function tilePixelsOf(layer: Layer, target: Target): number {
  const { g, model } = layer;
  const most = Math.min(pixelsFor(target, model.segments.length > 1 ? mostFlushed : mostPixels), g.outWidth);
  const fitting = Array.from({ length: most }, (_, i) => most - i);
  return fitting.reduce((a, b) => (layerInstructions(layer, b) < layerInstructions(layer, a) ? b : a));
}

function misfit(node: Node<Conv2dOp>, graph: Graph): string | undefined {
  const g = geometryOf(node, graph);
  if (g.groups > 1 || g.dilations[1] > 1 || g.x.shape[3]! > 4) return 'not the form of a first layer';
  if (g.walk.runLength > longestRow) return 'its kernel is too wide';
  const fits = channelRanges(g, modelOf(g)).every((ranges) => ranges.every((range) => fitsWindow(range, 16)));
  return fits ? undefined : "the sum of a kernel's row does not fit 16 bits";
}

function view(context: ViewContext<Conv2dOp>) {
  const layer = layerOf(context.node, context.graph);
  const { g, model } = layer;
  const pixels = tilePixelsOf(layer, context.target);
  const [kh] = g.kernel;
  const { runLength } = g.walk;
  const between = g.strides[1] * g.x.shape[3]!;
  const order = rowOrder(g);
  const products = order.map((byte, place) => ({
    weights: place * block,
    lastOfClass: order[place + 1]?.class !== byte.class,
    pixels: Array.from({ length: pixels }, (_, index) => {
      const at = index * between + byte.k;
      return { index, register: Math.floor(at / 16), lane: at % 16 };
    }),
  }));
  return {
    ...channelLanesView(context, g, model, pixels),
    begins: false,
    rows: kh,
    written: isWritten(g),
    rowStep: g.dilations[0] * must(context.inputs[0], 'input').rowStride,
    rowBytes: runLength,
    rowWeights: runLength * block,
    loads: Array.from({ length: Math.ceil(bytesOfRow(g, pixels) / 16) }, (_, index) => ({ index, offset: index * 16 })),
    products,
    order: order.map(({ k }) => k),
    everyRow: model.segments.length === kh,
    flushAfter: Array.from({ length: kh }, (_, ky) => (model.segments.includes(ky + 1) ? 1 : 0)),
  };
}

/**
 * Convolution over few input channels: output channels in the lanes, the outer product of a byte of the input, spread
 * over a vector, and the weights of 16 channels for it. No bytes are wasted on padding K to 16.
 */
export const firstLayer: Kernel<Conv2dOp> = {
  name: 'first-layer',
  op: 'conv2d',
  summary: 'channels in the lanes, bytes of the input spread over them, 16-bit sums',
  misfit,
  cost: (node, graph, target) => {
    const layer = layerOf(node, graph);
    return { instructions: layerInstructions(layer, tilePixelsOf(layer, target)) };
  },
  border: (node) => node.op.pads,
  pack: (node, graph) => {
    const g = geometryOf(node, graph);
    return packChannelLanes(g, graph, modelOf(g), packChannels(g, productOrder(g)));
  },
  view,
};
