import { invariant } from '../core/diagnostics.ts';

/** The model input that samples must fit. */
export interface InputSpec {
  /** The ONNX input's own shape, batch dimension first, e.g. `[1, 3, 32, 32]`; the batch dimension's value is ignored. */
  readonly shape: readonly number[];
  /** `NCHW` and `NHWC` are images (4 dimensions); anything else is `other` and has no channels. */
  readonly layout: 'NCHW' | 'NHWC' | 'other';
  /** The ONNX input's name: that of its array in an .npz file. */
  readonly name?: string;
}

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Elements of one sample. */
export function sampleSize(input: InputSpec): number {
  return input.shape.slice(1).reduce((product, d) => product * d, 1);
}

/** Height, width and channels where the input is an image. */
export function imageSize(input: InputSpec): ImageSize | undefined {
  if (input.layout === 'other') return undefined;
  const [, a, b, c] = input.shape;
  if (input.shape.length !== 4 || a === undefined || b === undefined || c === undefined) {
    throw invariant(`an ${input.layout} input has 4 dimensions, not ${input.shape.length}`);
  }
  return input.layout === 'NCHW' ? { channels: a, height: b, width: c } : { height: a, width: b, channels: c };
}

/** How many values of `mean` and `std` an input can have: its channels, or one for all where there are none. */
export function channelCount(input: InputSpec): number {
  return imageSize(input)?.channels ?? 1;
}

/** `3×32×32` */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}
