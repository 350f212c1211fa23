import { inputsOf, outputOf } from '../../graph/build.ts';
import type { Conv2dOp, Graph, Node, QuantParams, Tensor, WinogradInput, WinogradOp } from '../../graph/types.ts';
import { matrixProducts } from '../../interpret/products.ts';
import { sandwich, tapRange, winogradTransforms } from '../../numeric/winograd.ts';
import { quantOf } from '../../ops/quantized.ts';
import { constantShares } from '../../ops/winograd-direct.ts';
import { fitsRequantizer, winogradRanges, winogradScales } from '../../ops/winograd-parts.ts';
import { balancedSegments, singleSegment } from '../../proof/segments.ts';
import type { LayerMethod } from '../reconstruct/layer.ts';
import type { FittedLayer } from '../weights/layer.ts';
import { roundWeights } from '../weights/round.ts';
import { fitTaps } from './fit-taps.ts';
import type { WinogradForm } from './plan.ts';
import { chooseInput } from './steps.ts';
import { type TileSource, tapHistograms } from './tiles.ts';

/** A convolution in the Winograd domain, with biases that nothing corrected yet. */
export interface FittedWinograd {
  readonly op: WinogradOp;
  /** (outputs · taps) × channels. */
  readonly weights: Int8Array;
  readonly quant: QuantParams;
  readonly bias: Int32Array;
}

/** Bits of the transformed input: 8 cost nothing, and leave 255 to each lane's Σ|w|. */
const tapBits = 8;
/** What sums may reach of 32 bits before their biases are corrected. */
const roomForBias = 0.8;
const mostLeftShift = 10;
/** Biases of channels without weights, in steps of their sums. */
const largestBias = 2 ** 20;

/**
 * @param float the layer with real weights
 * @param quantized the same layer in a quantized graph: its input's and output's quantization count
 * @param source what the layer reads
 * @param segments of the products of a tap, at most: more hold finer weights, and cost a flush each
 * @param method how integer weights are looked for; undefined: rounded to nearest
 * @returns undefined where the sums leave 32 bits
 */
export async function fitWinograd(
  float: { readonly graph: Graph; readonly node: Node<Conv2dOp> },
  quantized: { readonly graph: Graph; readonly node: Node<Conv2dOp> },
  form: WinogradForm,
  source: TileSource,
  segments: number,
  method: LayerMethod | undefined,
): Promise<FittedWinograd | undefined> {
  const [, w, b] = inputsOf(float.graph, float.node) as [Tensor, Tensor, Tensor];
  const [x] = inputsOf(quantized.graph, quantized.node) as [Tensor];
  const transforms = winogradTransforms(form.tile);
  const range = { lo: quantOf(x).qmin, hi: quantOf(x).qmax };
  const input = form.exact ? exactInput(form) : chooseInput(transforms, tapHistograms(source, range), tapBits);
  if (form.exact && !isExactOn(form, range)) return undefined;
  const { step } = quantOf(x);
  const { real, start } = roundTransformed(w, { ...form, input, segments }, leastScales(b, input, step));
  const { data: weights, scale } =
    method === undefined
      ? start.rounded
      : await fitTaps({ source, step, input, weights: real, start, method }, await matrixProducts());
  const quant: QuantParams = { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const { pads, clamp } = quantized.node.op;
  const op = (leftShift: number): WinogradOp => ({
    kind: 'winograd',
    tile: form.tile,
    pads,
    input,
    leftShift,
    integer: { requant: 'fixed', accumulator: start.model, mode: 'proven' },
    ...(clamp && { clamp }),
  });
  // As many bits as 32-bit sums have left.
  for (let leftShift = mostLeftShift; leftShift >= 0; leftShift--) {
    const node = { ...quantized.node, op: op(leftShift) };
    const inputs = [x, { ...w, data: weights, quant }] as [Tensor, Tensor];
    const scales = winogradScales(node, inputs, outputOf(quantized.graph, quantized.node));
    const constants = constantShares(node, x, weights, quant.scale);
    const bias = Int32Array.from(b.data as Float32Array, (real, o) =>
      Math.round((real - constants[o]!) / scales.step[o]!),
    );
    const fits = winogradRanges(node, scales, weights, bias).every((r) =>
      fitsRequantizer({ ...r, sum: r.sum / roomForBias }, scales.requantizer),
    );
    if (fits) return { op: node.op, weights, quant, bias };
  }
  return undefined;
}

function exactInput({ tile }: WinogradForm): WinogradInput {
  const taps = (tile + 2) ** 2;
  return { multiplier: new Array<number>(taps).fill(2 ** 15), offset: 0, qmin: -128, qmax: 127 };
}

/** True where every tap fits int8 as it is. */
function isExactOn({ tile }: WinogradForm, x: { readonly lo: number; readonly hi: number }): boolean {
  const transforms = winogradTransforms(tile);
  const ranges = Array.from({ length: transforms.size ** 2 }, (_, tap) => tapRange(transforms, tap, x));
  return ranges.every(({ lo, hi }) => lo >= -128 && hi <= 127);
}

/** A channel's biases are counted in its largest step, so that one of its steps must not be too small for its bias. */
function leastScales(b: Tensor, { multiplier }: WinogradInput, step: number): Float64Array {
  const taps = multiplier.length;
  return Float64Array.from({ length: b.data!.length * taps }, (_, row) => {
    const [o, t] = [Math.floor(row / taps), row % taps];
    const unit = (step * 2 ** 15) / multiplier[t]!;
    return t === 0 ? Math.max(Math.abs(b.data![o]!) / (unit * largestBias), 2 ** -60) : 2 ** -60;
  });
}

/** G·g·Gᵀ of each pair of channels, and each row (channel, tap) of it rounded with the finest step that its lanes hold. */
function roundTransformed(
  w: Tensor,
  {
    tile,
    input: { qmin, qmax },
    segments,
  }: WinogradForm & { readonly input: WinogradInput; readonly segments: number },
  leastScale: Float64Array,
): { readonly real: Float32Array; readonly start: FittedLayer } {
  const { size, weights: g } = winogradTransforms(tile);
  const taps = size * size;
  const [outputs, , , channels] = w.shape as [number, number, number, number];
  const real = new Float32Array(outputs * taps * channels);
  const kernel = new Float64Array(9);
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < 9; k++) kernel[k] = w.data![(o * 9 + k) * channels + c]!;
      const u = sandwich(g, kernel);
      for (let t = 0; t < taps; t++) real[(o * taps + t) * channels + c] = u[t]!;
    }
  }
  const rows = outputs * taps;
  const reduction = { channels: rows, length: channels, runLength: channels, depthwise: false, macs: 0 };
  const model = balancedSegments(singleSegment(reduction, 16, 8), real, rows, segments);
  // Lanes start from zero: what they hold is 32767 of each sign, not the window.
  const budget = Math.floor((2 ** 15 - 1) / Math.max(qmax, -qmin));
  const bounds = { limit: 127, budgets: new Array<number>(rows).fill(budget) };
  const rounded = roundWeights(real, rows, model, { ...bounds, grid: 'float32', leastScale });
  return { real, start: { model, rounded, bounds, leastScale } };
}
