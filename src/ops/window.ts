import type { Origin, Pads, Pair, Shape, Tensor } from '../graph/types.ts';
import { mismatch } from './errors.ts';
import type { Importer } from './source.ts';

/** Sliding-window geometry shared by convolution and pooling. */
export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
}

/** Output extent of a window along one axis. */
export function windowOutput(
  input: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
  dilation: number,
): number {
  return Math.floor((input + before + after - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

/** [height, width] of the output of a window over N×H×W×C; rejects a window that is larger than the padded input. */
export function windowShape(origin: Origin, shape: Shape, w: Window): Pair {
  const [, height, width] = shape as [number, number, number];
  const [top, left, bottom, right] = w.pads;
  const out: Pair = [
    windowOutput(height, top, bottom, w.kernel[0], w.strides[0], w.dilations[0]),
    windowOutput(width, left, right, w.kernel[1], w.strides[1], w.dilations[1]),
  ];
  if (out[0] >= 1 && out[1] >= 1) return out;
  throw mismatch(
    origin,
    `the ${w.kernel.join('×')} kernel is larger than the padded input of ${height}×${width}`,
    'Give the model the input size that it was trained with.',
  );
}

/**
 * Extent that `ceil_mode` adds after the end, for a last window that is not whole. As ONNX Runtime and PyTorch have it,
 * a window that would start behind the input and its leading padding is dropped.
 */
export function ceilRest(
  input: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
  dilation: number,
): number {
  const extent = dilation * (kernel - 1) + 1;
  const padded = input + before + after;
  let outputs = Math.ceil((padded - extent) / stride) + 1;
  if ((outputs - 1) * stride >= input + before) outputs--;
  return Math.max(0, (outputs - 1) * stride + extent - padded);
}

/** [bottom, right] of `ceilRest` over `height × width`; zeros where the node has no `ceil_mode`. */
export function parseCeilExtra(im: Importer, height: number, width: number, w: Window): Pair {
  if (im.node.attributes.int('ceil_mode', 0) === 0) return [0, 0];
  if (im.node.attributes.string('auto_pad', 'NOTSET').startsWith('SAME')) return [0, 0];
  const [top, left, bottom, right] = w.pads;
  return [
    ceilRest(height, top, bottom, w.kernel[0], w.strides[0], w.dilations[0]),
    ceilRest(width, left, right, w.kernel[1], w.strides[1], w.dilations[1]),
  ];
}

/** Spatial extents of N×C×L or N×C×H×W; other ranks are refused. */
export function spatialOf(im: Importer, x: Tensor): readonly number[] {
  const spatial = x.shape.slice(2);
  if (spatial.length === 1 || spatial.length === 2) return spatial;
  throw im.refuse(`a window over ${spatial.length} spatial dimensions`, 'Only 1-D and 2-D windows are supported.');
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
  for (const [name, values] of Object.entries({ kernel_shape: kernelShape, strides, dilations })) {
    if (values.length !== rank || values.some((v) => v < 1)) {
      throw im.invalid(`${name} ${values.join('×')} does not fit ${rank} spatial dimension(s)`);
    }
  }
  const autoPad = attrs.string('auto_pad', 'NOTSET');
  const pads =
    autoPad === 'NOTSET'
      ? attrs.ints('pads', new Array<number>(2 * rank).fill(0))
      : autoPads(autoPad, spatial, kernelShape, strides, dilations);
  if (pads.length !== 2 * rank) throw im.invalid(`pads ${pads.join(', ')} do not fit ${rank} spatial dimension(s)`);
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
