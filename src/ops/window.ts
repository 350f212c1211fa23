import type { Pads, Pair } from '../graph/types.ts';
import type { Importer } from './source.ts';

/** Sliding-window geometry shared by convolution and pooling. */
export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
}

/** Output extent of a window along one axis. */
export function windowOutput(input: number, before: number, after: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((input + before + after - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

/** [height, width] of the output of a window over `height × width`. */
export function windowShape(height: number, width: number, w: Window): Pair {
  const [top, left, bottom, right] = w.pads;
  return [
    windowOutput(height, top, bottom, w.kernel[0], w.strides[0], w.dilations[0]),
    windowOutput(width, left, right, w.kernel[1], w.strides[1], w.dilations[1]),
  ];
}

/**
 * Reads kernel-window attributes of a node whose input has `spatial` extents ([length] or [height, width]); one
 * dimension becomes two with height 1. `auto_pad` is resolved here, as the ONNX specification defines it.
 */
export function parseWindow(im: Importer, spatial: readonly number[], kernelShape: readonly number[]): Window {
  const rank = spatial.length;
  const attrs = im.node.attributes;
  const ones = new Array<number>(rank).fill(1);
  const strides = attrs.ints('strides', ones);
  const dilations = attrs.ints('dilations', ones);
  const autoPad = attrs.string('auto_pad', 'NOTSET');
  const pads =
    autoPad === 'NOTSET'
      ? attrs.ints('pads', new Array<number>(2 * rank).fill(0))
      : autoPads(autoPad, spatial, kernelShape, strides, dilations);
  if (pads.some((p) => p < 0)) throw im.refuse('negative pads', 'Crop the tensor with an explicit Slice instead.');
  if (rank === 2) {
    return {
      kernel: pair(kernelShape),
      strides: pair(strides),
      dilations: pair(dilations),
      pads: [pads[0]!, pads[1]!, pads[2]!, pads[3]!],
    };
  }
  return {
    kernel: [1, kernelShape[0]!],
    strides: [1, strides[0]!],
    dilations: [1, dilations[0]!],
    pads: [0, pads[0]!, 0, pads[1]!],
  };
}

function pair(values: readonly number[]): Pair {
  return [values[0]!, values[1]!];
}

/** ONNX `auto_pad`: SAME_* gives ⌈input / stride⌉ outputs; the odd pixel goes to the end (UPPER) or the start (LOWER). */
function autoPads(
  autoPad: string,
  spatial: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  if (autoPad === 'VALID') return new Array<number>(2 * spatial.length).fill(0);
  const total = spatial.map((extent, i) => {
    const outputs = Math.ceil(extent / strides[i]!);
    return Math.max(0, (outputs - 1) * strides[i]! + dilations[i]! * (kernel[i]! - 1) + 1 - extent);
  });
  const small = total.map((t) => Math.floor(t / 2));
  const large = total.map((t, i) => t - small[i]!);
  return autoPad === 'SAME_LOWER' ? [...large, ...small] : [...small, ...large];
}
