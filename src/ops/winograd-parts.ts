import { must } from '../core/must.ts';
import type { Node, Shape, Tensor, WinogradInput, WinogradOp } from '../graph/types.ts';
import { sqrdmulh16 } from '../numeric/neon.ts';
import { largestSum, makeRequantizer, type Requantizer } from '../numeric/requantize.ts';
import { winogradTransforms } from '../numeric/winograd.ts';
import { quantOf } from './quantized.ts';
import { windowOutput } from './window.ts';

/** What the integer meaning of a Winograd convolution, its exact form and its kernel share. */

/** Rows and columns of tiles, output and input channels. */
export interface WinogradShape {
  readonly size: number;
  readonly tilesHigh: number;
  readonly tilesWide: number;
  readonly channels: number;
  readonly outputs: number;
}

export function winogradShape({ op }: Node<WinogradOp>, x: Shape, w: Shape): WinogradShape {
  const { size } = winogradTransforms(op.tile);
  const [, height, width, channels] = x as [number, number, number, number];
  const [outHeight, outWidth] = outputExtent(op, height, width);
  return {
    size,
    tilesHigh: Math.ceil(outHeight / op.tile),
    tilesWide: Math.ceil(outWidth / op.tile),
    channels,
    outputs: w[0]! / size ** 2,
  };
}

export function outputExtent({ pads }: WinogradOp, height: number, width: number): readonly [number, number] {
  return [windowOutput(height, pads[0], pads[2], 3, 1, 1), windowOutput(width, pads[1], pads[3], 3, 1, 1)];
}

/** A tap's value in int8. */
export function quantizeTap({ multiplier, offset, qmin, qmax }: WinogradInput, size: number, tap: number, v: number) {
  const m = multiplier[tap]!;
  const q = (m === 2 ** 15 ? v : sqrdmulh16(v, m)) + (tap === size + 1 ? offset : 0);
  return q < qmin ? qmin : q > qmax ? qmax : q;
}

/** What brings tap sums to one scale for each output channel, and from there to the output. */
export interface WinogradScales {
  /** Real value of a step of the summed outputs and of the bias, for each channel. */
  readonly step: readonly number[];
  /** For each row of the weights: `r = sqrdmulh(p << leftShift, multiplier)`. */
  readonly multiplier: Int32Array;
  readonly requantizer: Requantizer;
}

/**
 * The real step of a tap's sum is s_x · 2^15 / m · s_w. The channel's largest stays as it is (times 2^leftShift), the others
 * are scaled down to it.
 */
export function winogradScales(node: Node<WinogradOp>, inputs: readonly Tensor[], output: Tensor): WinogradScales {
  const { input, leftShift, integer } = node.op;
  const taps = input.multiplier.length;
  const x = quantOf(must(inputs[0], 'x')).step;
  const weights = must(inputs[1]?.quant, `weight quantization of ${node.id}`).scale;
  const own = weights.map((s, row) => (s * x * 2 ** 15) / input.multiplier[row % taps]!);
  const step = Array.from({ length: own.length / taps }, (_, o) => Math.max(...own.slice(o * taps, (o + 1) * taps)));
  return {
    step: step.map((s) => s / 2 ** leftShift),
    multiplier: Int32Array.from(own, (s, row) =>
      Math.min(2 ** 31 - 1, Math.round((s / step[Math.floor(row / taps)]!) * 2 ** 31)),
    ),
    requantizer: makeRequantizer(
      integer.requant,
      step.map((s) => s / 2 ** leftShift / quantOf(output).step),
    ),
  };
}

/** A channel's largest |sum| before its requantizer, bias included, over all inputs; and the largest |p << leftShift| of a tap. */
export interface WinogradRange {
  readonly sum: number;
  readonly tap: number;
}

/** Bounds of each output channel. What is in between, on the way through the output's transform, is no larger than `sum`. */
export function winogradRanges(
  { op }: Pick<Node<WinogradOp>, 'op'>,
  { multiplier }: Pick<WinogradScales, 'multiplier'>,
  weights: Int8Array,
  bias: Int32Array,
): WinogradRange[] {
  const { output, size } = winogradTransforms(op.tile);
  const taps = size * size;
  const channels = weights.length / (bias.length * taps);
  const largest = Math.max(-op.input.qmin, op.input.qmax);
  const reach = (t: number): number => Math.max(...output.map((row) => Math.abs(row[t]!)));
  return Array.from(bias, (b, o) => {
    let [sum, tap] = [Math.abs(b), 0];
    for (let t = 0; t < taps; t++) {
      const row = o * taps + t;
      let norm = 0;
      for (const w of weights.subarray(row * channels, (row + 1) * channels)) norm += Math.abs(w);
      const p = norm * largest * 2 ** op.leftShift;
      tap = Math.max(tap, p);
      // One more for rounding.
      sum += reach(Math.floor(t / size)) * reach(t % size) * (Math.ceil((p * multiplier[row]!) / 2 ** 31) + 1);
    }
    return { sum, tap };
  });
}

/** Whether no sum leaves 32 bits, or what the requantizer takes. */
export function fitsRequantizer({ sum, tap }: WinogradRange, requantizer: Requantizer): boolean {
  return tap < 2 ** 31 && sum <= largestSum(requantizer);
}
