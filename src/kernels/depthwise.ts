import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { AccumulatorModel, Conv2dOp, Graph, Node } from '../graph/types.ts';
import { integerClamp, reductionRequantizer } from '../ops/quantized.ts';
import { fitsWindow, preloadOf, type SumRange, sumRanges, widest, windowBudget } from '../quantize/accumulator.ts';
import { greedySegments } from '../quantize/segments.ts';
import { foldedBias, type Geometry, geometryOf } from './k-lanes/geometry.ts';
import { checkSums } from './k-lanes/prepare.ts';
import type { ConstantArray, Kernel, Packed, ViewContext } from './kernel.ts';
import { requantizerArrays, requantizerView } from './requantizer-arrays.ts';

/** Channels that one register of weights holds. */
const block = 16;
/** Output pixels of a row that share loaded weights: 4 × 2 accumulators of 16 bits and as many operands fit the registers. */
const tilePixels = 4;
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

/** `[channel block][tap][16 channels]` */
function packTaps(g: Geometry): Int8Array {
  const { channels, length } = g.reduction;
  const packed = new Int8Array(Math.ceil(channels / block) * length * block);
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < length; tap++) packed[slotOf(length, c, tap)] = g.weights[c * length + tap]!;
  }
  return packed;
}

function slotOf(taps: number, channel: number, tap: number): number {
  return (Math.floor(channel / block) * taps + tap) * block + (channel % block);
}

/** The ranges of a channel's segments, from the packed bytes. */
function rangesOf(packed: Int8Array, model: AccumulatorModel, taps: number, channel: number, x: SumRange): SumRange[] {
  const weights = Array.from({ length: taps }, (_, tap) => packed[slotOf(taps, channel, tap)]!);
  return sumRanges(model, weights, x);
}

function pack(node: Node<Conv2dOp>, graph: Graph): Packed {
  const g = geometryOf(node, graph);
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const model = modelOf(g);
  const packed = packTaps(g);
  const { channels, length } = g.reduction;
  const slots = Int32Array.from({ length: Math.ceil(channels / block) * block }, (_, c) => (c < channels ? c : -1));
  const preload = new Int16Array(slots.length * model.segments.length);
  const preloadSum = new Int32Array(slots.length);
  const worst = Array.from({ length: channels }, (_, c) => {
    const ranges = rangesOf(packed, model, length, c, g.xRange);
    ranges.forEach((range, segment) => {
      if (!fitsWindow(range, 16))
        throw invariant(`channel ${c}: a 16-bit lane ranges over ${range.lo}…${range.hi}`, place);
      const start = preloadOf(range, 16);
      preload[slotOf(model.segments.length, c, segment)] = start;
      preloadSum[c]! += start;
    });
    return widest(ranges);
  });
  const requantizer = requantizerOf(g, graph);
  checkSums(g, requantizer, place);
  const bias = slots.map((c) => (c < 0 ? 0 : foldedBias(g, c) - preloadSum[c]!));
  const arrays: ConstantArray[] = [
    { name: 'weights', data: packed, comment: `[${slots.length / block} blocks][${length} taps][${block} channels]` },
    { name: 'bias', data: bias, comment: "in units of input scale * weight scale, the input's zero point folded in" },
    ...requantizerArrays(requantizer, slots),
  ];
  if (preload.some((p) => p !== 0)) {
    arrays.push(
      {
        name: 'preload',
        data: preload,
        comment: `[blocks][${model.segments.length} segments][${block} channels] start values`,
      },
      {
        name: 'preload_sum',
        data: preloadSum,
        comment: 'what the start values add to each sum; bias takes it off again',
      },
    );
  }
  return { arrays, proof: { model, worst } };
}

function requantizerOf(g: Geometry, graph: Graph) {
  return reductionRequantizer(g.node, [g.x, must(graph.tensors.get(g.node.inputs[1]!), 'weights')], g.y);
}

function view(context: ViewContext<Conv2dOp>) {
  const g = geometryOf(context.node, context.graph);
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const model = modelOf(g);
  const { channels, length } = g.reduction;
  const pixels = Math.min(tilePixels, g.outWidth);
  const [, kw] = g.kernel;
  const array = (name: string) => context.arrayName(name);
  return {
    weights: array('weights'),
    bias: array('bias'),
    multiplier: array('multiplier'),
    shift: array('shift'),
    scale: array('scale'),
    preload: array('preload'),
    preloadSum: array('preload_sum'),
    preloaded: context.packed.arrays.some((a) => a.name === 'preload'),
    requantizer: requantizerView(requantizerOf(g, context.graph)),
    ...integerClamp(g.y, g.node.op.clamp),
    channels,
    tail: channels % block !== 0,
    blockBytes: length * block,
    blockStarts: model.segments.length * block,
    flushes: model.segments.length > 1,
    segmentCount: model.segments.length,
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    height: g.outHeight,
    width: g.outWidth,
    inputRow: g.strides[0] * x.rowStride,
    inputPixel: g.strides[1] * x.pixelStride,
    outputRow: y.rowStride,
    outputPixel: y.pixelStride,
    tilePixels: pixels,
    overlap: g.outWidth % pixels !== 0,
    lastColumn: g.outWidth - pixels,
    pixels: Array.from({ length: pixels }, (_, i) => ({
      index: i,
      input: i * g.strides[1] * x.pixelStride,
      output: i * y.pixelStride,
    })),
    tapCount: length,
    unroll: length <= mostUnrolled ? length : 1,
    taps: Array.from({ length }, (_, tap) => ({
      offset: Math.floor(tap / kw) * g.dilations[0] * x.rowStride + (tap % kw) * g.dilations[1] * x.pixelStride,
      flush: model.segments.includes(tap + 1) && tap + 1 < length ? 1 : 0,
    })),
  };
}

/** Depthwise convolution: channels in the lanes, a channel's taps summed in its 16-bit lane. */
export const depthwise: Kernel<Conv2dOp> = {
  name: 'depthwise',
  op: 'conv2d',
  summary: 'channels in the lanes, 16-bit sums',
  misfit: (node, graph) => (geometryOf(node, graph).reduction.depthwise ? undefined : 'not depthwise'),
  cost: (node, graph) => {
    const g = geometryOf(node, graph);
    const tiles = Math.ceil(g.reduction.channels / block) * g.outHeight * Math.ceil(g.outWidth / tilePixels);
    const flushes = modelOf(g).segments.length - 1;
    return { instructions: tiles * (g.reduction.length * 13 + tilePixels * (24 + flushes * 6)) };
  },
  border: (node) => node.op.pads,
  pack,
  view,
};
