import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { AccumulatorModel, Conv2dOp, Graph } from '../graph/types.ts';
import type { Requantizer } from '../numeric/requantize.ts';
import { integerClamp, reductionRequantizer } from '../ops/quantized.ts';
import {
  fitsWindow,
  fitsWithoutPreload,
  preloadOf,
  type SumRange,
  sumRanges,
  widest,
} from '../quantize/accumulator.ts';
import { foldedBias, type Geometry } from './k-lanes/geometry.ts';
import { checkSums } from './k-lanes/prepare.ts';
import type { ConstantArray, Packed, ViewContext } from './kernel.ts';
import { measuredSums } from './measured-sums.ts';
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

/** The ranges of each channel's sums: what any input can cause, or what was measured. */
export function channelRanges(g: Geometry, model: AccumulatorModel): SumRange[][] {
  const { channels, length } = g.reduction;
  const measured = measuredSums(g.integer, model);
  if (measured !== undefined) return measured.map((own) => [...own]);
  return Array.from({ length: channels }, (_, c) =>
    sumRanges(model, g.weights.subarray(c * length, (c + 1) * length), g.xRange),
  );
}

/** The ranges of a channel's sums, from the packed bytes (DESIGN §4). */
function provenRanges(g: Geometry, model: AccumulatorModel, weights: ChannelWeights): SumRange[][] {
  const place = `node "${g.node.origin.name}" (${g.node.origin.opType})`;
  const { channels, length } = g.reduction;
  const measured = measuredSums(g.integer, model);
  return Array.from({ length: channels }, (_, c) => {
    const packed = Array.from({ length }, (_, k) => weights.data[weights.at(c, k)]!);
    const ranges = measured?.[c] ? [...measured[c]] : sumRanges(model, packed, g.xRange);
    const failing = ranges.find((range) => !fitsWindow(range, 16));
    if (failing === undefined) return ranges;
    throw invariant(`output channel ${c}: a 16-bit lane ranges over ${failing.lo}…${failing.hi}`, place);
  });
}

/** Certifies the packed weights and lists the arrays that the generated code reads. */
export function packChannelLanes(g: Geometry, graph: Graph, model: AccumulatorModel, weights: ChannelWeights): Packed {
  const { channels, length } = g.reduction;
  const ranges = provenRanges(g, model, weights);
  const requantizer = requantizerOf(g, graph);
  checkSums(g, requantizer, `node "${g.node.origin.name}" (${g.node.origin.opType})`);
  const slots = Int32Array.from({ length: Math.ceil(channels / block) * block }, (_, c) => (c < channels ? c : -1));
  const blocks = slots.length / block;
  const arrays: ConstantArray[] = [
    { name: 'weights', data: weights.data, comment: `[${blocks} blocks][${length} products][${block} channels]` },
    ...(narrowSums(g, requantizer, ranges) ?? wideSums(g, model, slots.length, ranges)),
    ...requantizerArrays(requantizer, slots),
  ];
  return { arrays, proof: { model, worst: ranges.map(widest) } };
}

const foldedIn = "in units of input scale * weight scale, the input's zero point folded in";

/** Sums that are finished in 32 bits: the bias, and where lanes need them their start values, which the bias takes off again. */
function wideSums(
  g: Geometry,
  model: AccumulatorModel,
  slots: number,
  ranges: readonly (readonly SumRange[])[],
): ConstantArray[] {
  const segments = model.segments.length;
  // After the last flush the kernel may load once more, so one segment follows that is not used.
  const preload = new Int16Array(slots * segments + block);
  const preloadSum = new Int32Array(slots);
  const bias = new Int32Array(slots);
  ranges.forEach((own, c) => {
    own.forEach((range, segment) => {
      const start = preloadOf(range, 16);
      preload[slotOf(segments, c, segment)] = start;
      preloadSum[c]! += start;
    });
    bias[c] = foldedBias(g, c) - preloadSum[c]!;
  });
  const arrays: ConstantArray[] = [{ name: 'bias', data: bias, comment: foldedIn }];
  if (preload.every((p) => p === 0)) return arrays;
  return [
    ...arrays,
    { name: 'preload', data: preload, comment: `[blocks][${segments} segments][${block} channels] start values` },
    {
      name: 'preload_sum',
      data: preloadSum,
      comment: 'what the start values add to each sum; bias takes it off again',
    },
  ];
}

/**
 * Sums that stay in 16 bits to the end: `sat16(start + Σ x·w + rest)`, where `start + Σ x·w` is in 16 bits and
 * `start + rest` is the bias. Where no sum needs a start, all of the bias is added in the end, so that the first product
 * starts the sum; where whole sums fit, there is no rest.
 * @returns undefined where there are flushes, or no such start
 */
function narrowSums(
  g: Geometry,
  requantizer: Requantizer,
  ranges: readonly (readonly SumRange[])[],
): ConstantArray[] | undefined {
  if (requantizer.format !== 'fixed16' || ranges.some((own) => own.length > 1)) return undefined;
  const start = new Int16Array(Math.ceil(ranges.length / block) * block);
  const rest = new Int16Array(start.length);
  const unstarted = ranges.every(([range], c) => {
    const bias = foldedBias(g, c);
    return fitsWithoutPreload(must(range, 'range'), 16) && bias >= -32768 && bias <= 32767;
  });
  for (const [c, [range]] of ranges.entries()) {
    const bias = foldedBias(g, c);
    const split = unstarted ? 0 : splitBias(bias, must(range, 'range'));
    if (split === undefined) return undefined;
    [start[c], rest[c]] = [split, bias - split];
  }
  const saturates = unstarted || rest.some((r) => r !== 0);
  return [
    ...(unstarted ? [] : [{ name: 'start', data: start, comment: foldedIn }]),
    ...(saturates ? [{ name: 'rest', data: rest, comment: unstarted ? foldedIn : 'what is left of the bias' }] : []),
  ];
}

/**
 * The part of a 16-bit sum's bias that its accumulator starts from: as much as keeps the sum's range within 16 bits.
 * @returns undefined where it or what is left of the bias is not in 16 bits
 */
export function splitBias(bias: number, { lo, hi }: SumRange): number | undefined {
  const [least, most] = [Math.max(-32768, -32768 - lo), Math.min(32767, 32767 - hi)];
  const start = Math.min(most, Math.max(least, bias));
  return least > most || Math.abs(bias - start) > 32767 ? undefined : start;
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
  const has = (name: string) => context.packed.arrays.some((a) => a.name === name);
  return {
    weights: array('weights'),
    bias: array('bias'),
    multiplier: array('multiplier'),
    shift: array('shift'),
    scale: array('scale'),
    preload: array('preload'),
    preloadSum: array('preload_sum'),
    start: array('start'),
    rest: array('rest'),
    preloaded: has('preload'),
    narrow: has('start') || has('rest'),
    started: has('start'),
    saturates: has('rest'),
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

/** Instructions of one pixel's epilogue for 16 channels: start, widening, requantization, narrowing, clamp, store. */
export function epilogueInstructions(r: Requantizer, model: AccumulatorModel): number {
  return r.format === 'fixed16' && model.segments.length === 1 ? 10 : 20;
}
