import { reject } from '../core/diagnostics.ts';
import { formatShape, type ImageSize, type InputSpec, imageSize, sampleSize } from './input.ts';
import type { Recipe } from './recipe.ts';

/**
 * The order of one sample's elements: interleaved or planar, or the model input's own, which is also what is meant where
 * the input has no channels.
 */
export type SampleOrder = 'HWC' | 'CHW' | 'model';

interface SamplesBase {
  readonly count: number;
  readonly order: SampleOrder;
  readonly labels?: Int32Array;
  /** The file or folder, for messages. */
  readonly place: string;
}

/** Bytes that the recipe turns into real inputs. */
export interface PixelSamples extends SamplesBase {
  readonly kind: 'pixels';
  /** One sample, raw; must not be written to. */
  sample(i: number): Uint8Array;
}

/** Real inputs that need no preprocessing. */
export interface RealSamples extends SamplesBase {
  readonly kind: 'reals';
  sample(i: number): RealArray;
}

export type RealArray = Float32Array | Float64Array | Int8Array;

/** What a file holds, before it becomes a `Dataset`. */
export type Samples = PixelSamples | RealSamples;

/** Samples that stand one after the other in `data`: bytes are pixels, everything else is real inputs. */
export function samplesIn(data: Uint8Array | RealArray, size: number, rest: SamplesBase): Samples {
  return data instanceof Uint8Array
    ? { ...rest, kind: 'pixels', sample: (i) => data.subarray(i * size, (i + 1) * size) }
    : { ...rest, kind: 'reals', sample: (i) => data.subarray(i * size, (i + 1) * size) };
}

/**
 * How the samples of an array of shape N×`dims` stand, judged by the model's input; dimensions of 1 count for nothing.
 *
 * @throws reject `data-shape` when they do not fit, `ambiguous-layout` when the shape and the recipe both leave it open
 */
export function orderOf(dims: readonly number[], input: InputSpec, recipe: Recipe, place: string): SampleOrder {
  const image = imageSize(input);
  const orders = image === undefined ? plainOrders(dims, input) : imageOrders(dims, image);
  const [order, other] = orders;
  if (order === undefined) throw wrongShape(dims, input, place);
  if (other === undefined || image?.channels === 1) return order;
  if (recipe.layout !== undefined) return recipe.layout;
  throw reject({
    code: 'ambiguous-layout',
    message: `Samples of ${formatShape(dims)} can be HWC as well as CHW.`,
    place,
    hint: 'Say which with --layout HWC, or "layout": "HWC" in the recipe.',
  });
}

function plainOrders(dims: readonly number[], input: InputSpec): SampleOrder[] {
  const have = squeeze(dims);
  const want = squeeze(input.shape.slice(1));
  // A vector is any shape's elements in order; 10×49 is not 49×10.
  const fits = have.length <= 1 || want.length <= 1 || sameShape(have, want);
  return fits && product(have) === product(want) ? ['model'] : [];
}

function imageOrders(dims: readonly number[], { height, width, channels }: ImageSize): SampleOrder[] {
  const have = squeeze(dims);
  const size = height * width * channels;
  if (have.length <= 1) return product(have) === size ? ['HWC', 'CHW'] : [];
  const orders: SampleOrder[] = [];
  if (sameShape(have, squeeze([height, width, channels]))) orders.push('HWC');
  if (sameShape(have, squeeze([channels, height, width]))) orders.push('CHW');
  return orders;
}

function wrongShape(dims: readonly number[], input: InputSpec, place: string) {
  const image = imageSize(input);
  const want = formatShape(image ? [image.height, image.width, image.channels] : input.shape.slice(1));
  const planar = image ? ` or N×${formatShape([image.channels, image.height, image.width])}` : '';
  return reject({
    code: 'data-shape',
    message: `The data is N×${formatShape(dims)}, but the model takes ${formatShape(input.shape.slice(1))} a sample.`,
    place,
    hint: `Give an array of N×${want}${planar} (${sampleSize(input)} elements a sample; the first dimension counts the samples).`,
  });
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const squeeze = (dims: readonly number[]) => dims.filter((d) => d !== 1);
const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);
