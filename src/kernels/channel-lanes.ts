import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { AccumulatorModel, Conv2dOp, Graph } from '../graph/types.ts';
import type { Requantizer } from '../numeric/requantize.ts';
import { integerClamp, reductionRequantizer } from '../ops/quantized.ts';
import {
  type AccumulatorProof,
  fitsWindow,
  preloadOf,
  type SumRange,
  sumRanges,
  widest,
} from '../quantize/accumulator.ts';
import { foldedBias, type Geometry } from './k-lanes/geometry.ts';
import { checkSums } from './k-lanes/prepare.ts';
import type { ConstantArray, Packed, ViewContext } from './kernel.ts';
import { requantizerArrays, requantizerView } from './requantizer-arrays.ts';

/**
 * What the kernels share that have channels in the lanes: a channel's products are summed in one 16-bit lane, 16 channels
 * to a register of weights. `segments` of the model end where the lanes are flushed into 32 bits.
 */
export const block = 16;

/** Weights as such a kernel reads them: `[block of channels][product][16 channels]`. */
export interface ChannelWeights {
  readonly data: Int8Array;
  /** Where product k of a channel lies. */
  at(channel: number, k: number): number;
}

/** @param order product of each place; weights are stored in the order in which they are used */
export function packChannels(g: Geometry, order: readonly number[]): ChannelWeights {
  const { channels, length } = g.reduction;
  const placeOf = new Int32Array(length);
  order.forEach((k, place) => {
    placeOf[k] = place;
  });
  const at = (channel: number, k: number) => slotOf(length, channel, placeOf[k]!);
  const data = new Int8Array(Math.ceil(channels / block) * length * block);
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < length; k++) data[at(c, k)] = g.weights[c * length + k]!;
  }
  return { data, at };
}

function slotOf(perBlock: number, channel: number, place: number): number {
  return (Math.floor(channel / block) * perBlock + place) * block + (channel % block);
}

/** The ranges of each channel's sums. */
export function channelRanges(g: Geometry, model: AccumulatorModel): SumRange[][] {
  const { channels, length } = g.reduction;
  return Array.from({ length: channels }, (_, c) =>
    sumRanges(model, g.weights.subarray(c * length, (c + 1) * length), g.xRange),
  );
}

interface Certificate {
  readonly proof: AccumulatorProof;
  /** Start values, `[block][segment][16 channels]`. */
  readonly preload: Int16Array;
  /** What the preloads add to a channel's sum. */
  readonly preloadSum: Int32Array;
}

/** Proves every 16-bit lane from the packed bytes (DESIGN §4). */
function certify(g: Geometry, model: AccumulatorModel, weights: ChannelWeights, place: string): Certificate {
  const { channels, length } = g.reduction;
  const slots = Math.ceil(channels / block) * block;
  // After the last flush the kernel may load once more, so one segment follows that is not used.
  const preload = new Int16Array(slots * model.segments.length + block);
  const preloadSum = new Int32Array(slots);
  const worst = Array.from({ length: channels }, (_, c) => {
    const packed = Array.from({ length }, (_, k) => weights.data[weights.at(c, k)]!);
    const ranges = sumRanges(model, packed, g.xRange);
    ranges.forEach((range, segment) => {
      if (!fitsWindow(range, 16)) {
        throw invariant(`output channel ${c}: a 16-bit lane ranges over ${range.lo}…${range.hi}`, place);
      }
      const start = preloadOf(range, 16);
      preload[slotOf(model.segments.length, c, segment)] = start;
      preloadSum[c]! += start;
    });
    return widest(ranges);
  });
  return { proof: { model, worst }, preload, preloadSum };
}

/** Certifies the packed weights and lists the arrays that the generated code reads. */
export function packChannelLanes(g: Geometry, graph: Graph, model: AccumulatorModel, weights: ChannelWeights): Packed {
  const place = `node "${g.node.origin.name}" (${g.node.origin.opType})`;
  const { channels, length } = g.reduction;
  const { proof, preload, preloadSum } = certify(g, model, weights, place);
  const requantizer = requantizerOf(g, graph);
  checkSums(g, requantizer, place);
  const slots = Int32Array.from({ length: preloadSum.length }, (_, c) => (c < channels ? c : -1));
  const blocks = slots.length / block;
  const bias = slots.map((c) => (c < 0 ? 0 : foldedBias(g, c) - preloadSum[c]!));
  const arrays: ConstantArray[] = [
    { name: 'weights', data: weights.data, comment: `[${blocks} blocks][${length} products][${block} channels]` },
    { name: 'bias', data: bias, comment: "in units of input scale * weight scale, the input's zero point folded in" },
    ...requantizerArrays(requantizer, slots),
  ];
  if (preload.every((p) => p === 0)) return { arrays, proof };
  const starts = `[blocks][${model.segments.length} segments][${block} channels] start values`;
  arrays.push(
    { name: 'preload', data: preload, comment: starts },
    {
      name: 'preload_sum',
      data: preloadSum,
      comment: 'what the start values add to each sum; bias takes it off again',
    },
  );
  return { arrays, proof };
}

export function requantizerOf(g: Geometry, graph: Graph): Requantizer {
  return reductionRequantizer(g.node, [g.x, must(graph.tensors.get(g.node.inputs[1]!), 'weights')], g.y);
}

/** What the templates of these kernels share: the arrays, the output's arithmetic, and how tiles of a row lie on the output. */
export function channelLanesView(
  context: ViewContext<Conv2dOp>,
  g: Geometry,
  model: AccumulatorModel,
  tilePixels: number,
) {
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const { channels, length } = g.reduction;
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
    tilePixels,
    overlap: g.outWidth % tilePixels !== 0,
    lastColumn: g.outWidth - tilePixels,
    pixels: Array.from({ length: tilePixels }, (_, i) => ({
      index: i,
      input: i * g.strides[1] * x.pixelStride,
      output: i * y.pixelStride,
    })),
  };
}

/** Instructions of one pixel's epilogue for 16 channels: widening, requantization, narrowing, clamp, store. */
export const epiloguePerPixel = 22;
