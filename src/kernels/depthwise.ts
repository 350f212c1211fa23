import { must } from '../core/must.ts';
import type { AccumulatorModel, Conv2dOp, Graph, Node } from '../graph/types.ts';
import { windowBudget } from '../proof/accumulator.ts';
import { greedySegments } from '../proof/segments.ts';
import { pixelsFor, type Target } from '../targets/target.ts';
import { epilogueInstructions } from './channel-lanes/cost.ts';
import { packChannelLanes } from './channel-lanes/pack.ts';
import { channelLanesView } from './channel-lanes/view.ts';
import { block, halvesOf, packChannels } from './channel-lanes/weights.ts';
import { type Geometry, geometryOf, requantizerOf } from './k-lanes/geometry.ts';
import type { Kernel, Operand, ViewContext } from './kernel.ts';

/** Weights of a row of so many taps stay in registers, next to the accumulators of a tile and what requantizes them. */
const longestRow = 5;
/** Output pixels of a row in a tile, at most: 8 × 2 accumulators of 16 bits; or 5 × 2 next to the loop over taps. */
const mostPixels = 8;
const mostPixelsByTap = 5;
const mostUnrolled = 25;

/** A channel's taps are summed in one 16-bit lane; `segments` count taps. */
function modelOf(g: Geometry): AccumulatorModel {
  const model: AccumulatorModel = {
    bits: 16,
    lanes: 1,
    step: 1,
    runLength: g.walk.runLength,
    segments: [g.reduction.length],
  };
  const own = g.integer.accumulator;
  if (own.bits <= 16 && own.lanes === 1 && own.step === 1) return { ...model, segments: own.segments };
  return greedySegments(model, g.weights, g.reduction.channels, windowBudget(16, g.xRange));
}

/** Row by row of the kernel, where nothing is flushed: flushes need the registers for sums of 32 bits. */
function goesByRow(g: Geometry, model: AccumulatorModel): boolean {
  return g.kernel[1] <= longestRow && model.segments.length === 1;
}

/** A vector of a row of the input, and the products that the pixels of a tile make of it. */
interface Column {
  readonly column: number;
  readonly uses: readonly { readonly pixel: number; readonly tap: number }[];
}

/** Each input vector of a row that a tile reads, once: pixels share what their windows have in common. */
function columnsOf(g: Geometry, pixels: number): Column[] {
  const [, kw] = g.kernel;
  const at = (pixel: number, kx: number) => pixel * g.strides[1] + kx * g.dilations[1];
  const width = at(pixels - 1, kw - 1) + 1;
  return Array.from({ length: width }, (_, column) => {
    const uses = Array.from({ length: pixels * kw }, (_, j) => ({ pixel: Math.floor(j / kw), tap: j % kw })).filter(
      ({ pixel, tap }) => at(pixel, tap) === column,
    );
    return { column, uses };
  }).filter(({ uses }) => uses.length > 0);
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
  return { g, model, epilogue: epilogueInstructions(g, requantizerOf(g, graph), model.segments.length > 1) };
}

function tileInstructions({ g, model, epilogue }: Layer, pixels: number): number {
  const taps = g.reduction.length;
  const ends = pixels * epilogue + 10;
  if (goesByRow(g, model)) {
    const [kh, kw] = g.kernel;
    return kh * (columnsOf(g, pixels).length + Math.ceil(kw / 2)) + halvesOf(g) * taps * pixels + ends;
  }
  const flushes = model.segments.length - 1;
  // Where taps are written out, so are the flushes between them.
  const loop = taps > mostUnrolled ? taps * (flushes > 0 ? 5 : 3) : 0;
  return taps * (1 + (1 + halvesOf(g)) * pixels) + loop + pixels * 3 * halvesOf(g) * flushes + ends + 12;
}

function layerInstructions(layer: Layer, pixels: number): number {
  const { reduction, outHeight, outWidth } = layer.g;
  const blocks = Math.ceil(reduction.channels / block);
  return blocks * outHeight * (8 + Math.ceil(outWidth / pixels) * tileInstructions(layer, pixels));
}

function tilePixelsOf(layer: Layer, target: Target): number {
  const most = Math.min(
    pixelsFor(target, goesByRow(layer.g, layer.model) ? mostPixels : mostPixelsByTap),
    layer.g.outWidth,
  );
  const fitting = Array.from({ length: most }, (_, i) => most - i);
  return fitting.reduce((a, b) => (layerInstructions(layer, b) < layerInstructions(layer, a) ? b : a));
}

function view(context: ViewContext<Conv2dOp>) {
  const layer = layerOf(context.node, context.graph);
  const { g, model } = layer;
  const pixels = tilePixelsOf(layer, context.target);
  const x = must(context.inputs[0], 'input');
  const { length } = g.reduction;
  const byRow = goesByRow(g, model);
  const begins = byRow && !context.packed.arrays.some(({ name }) => name === 'start' || name === 'preload');
  return {
    ...channelLanesView(context, g, model, pixels),
    byRow,
    begins,
    rows: rowsView(g, x, pixels, begins),
    tapCount: length,
    unroll: length <= mostUnrolled ? length : 1,
    taps: Array.from({ length }, (_, tap) => ({
      index: tap,
      weights: tap * block,
      offset: tapOffset(g, x, tap),
      flush: model.segments.includes(tap + 1) && tap + 1 < length ? 1 : 0,
    })),
  };
}

/** @param begins whether the first product of each accumulator starts its sum: else it starts from a given value */
function rowsView(g: Geometry, x: Operand, pixels: number, begins: boolean) {
  const [kh, kw] = g.kernel;
  const begun = new Set<number>(!begins ? Array.from({ length: pixels }, (_, i) => i) : []);
  return Array.from({ length: kh }, (_, row) => ({
    row,
    weights: Array.from({ length: kw }, (_, index) => ({ index, offset: (row * kw + index) * block })),
    columns: columnsOf(g, pixels).map(({ column, uses }) => ({
      offset: row * g.dilations[0] * x.rowStride + column * x.pixelStride,
      uses: uses.map(({ pixel, tap }) => {
        const isFirst = !begun.has(pixel);
        begun.add(pixel);
        return { pixel, tap, begins: isFirst };
      }),
    })),
  }));
}

function tapOffset(g: Geometry, x: Operand, tap: number): number {
  const [, kw] = g.kernel;
  return Math.floor(tap / kw) * g.dilations[0] * x.rowStride + (tap % kw) * g.dilations[1] * x.pixelStride;
}

/** Depthwise convolution: channels in the lanes, a channel's taps summed in its 16-bit lane. */
export const depthwise: Kernel<Conv2dOp> = {
  name: 'depthwise',
  op: 'conv2d',
  summary: 'channels in the lanes, 16-bit sums',
  misfit: (node, graph) => (geometryOf(node, graph).reduction.depthwise ? undefined : 'not depthwise'),
  cost: (node, graph, target) => {
    const layer = layerOf(node, graph);
    return { instructions: layerInstructions(layer, tilePixelsOf(layer, target)) };
  },
  border: (node) => node.op.pads,
  pack: (node, graph) => {
    const g = geometryOf(node, graph);
    const order = Array.from({ length: g.reduction.length }, (_, tap) => tap);
    return packChannelLanes(g, graph, modelOf(g), packChannels(g, order));
  },
  view,
};
