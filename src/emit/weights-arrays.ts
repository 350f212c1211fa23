import type { ConstantArray } from '../kernels/kernel.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { type ArrayView, arrayView } from './constants.ts';
import type { NamedArray, StepInfo } from './layer.ts';
import type { WeightsForm } from './layout.ts';
import type { CPort } from './ports.ts';
import type { EmitContext } from './types.ts';

/** Bytes of constants from which compilers take seconds and gigabytes for their text: they are included as a file instead. */
const mostAsText = 2 ** 20;
/** A shorter array stays text, which a reader can look at. */
const leastInFile = 2 ** 12;

/** A constant of a layer, and where the bundle keeps it. */
export interface PlacedArray {
  readonly array: NamedArray;
  readonly info: StepInfo;
  readonly form: WeightsForm;
}

/** Bytes of all constants. */
export function weightBytes({ layers, options, ports }: EmitContext): number {
  const pixels = pixelSteps(options.pixels?.table, ports)?.length ?? 0;
  return layers.flatMap((l) => l.arrays).reduce((sum, { data }) => sum + data.byteLength, pixels);
}

export function hasConstants(context: EmitContext): boolean {
  return weightBytes(context) > 0;
}

/** Whether there is a `src/<model>_weights.c`. */
export function hasTextWeights(context: EmitContext): boolean {
  return placedArrays(context).some(({ form }) => form === 'c') || pixelsView(context).length > 0;
}

/** Whether some of the constants are in `src/<model>_weights.S`. */
export function hasIncludedWeights(context: EmitContext): boolean {
  return placedArrays(context).some(({ form }) => form === 'incbin');
}

/** Whether the program loads its constants, from `data/<model>_weights.bin`. */
export function hasLoadedWeights(context: EmitContext): boolean {
  return placedArrays(context).some(({ form }) => form === 'binary');
}

export function placedArrays(context: EmitContext): PlacedArray[] {
  const { weights } = context.layout;
  const long = weightBytes(context) > mostAsText;
  const formOf = ({ data }: ConstantArray): WeightsForm => {
    if (weights === 'c' || weights === 'binary') return weights;
    const bytes = data instanceof Int8Array || data instanceof Uint8Array;
    return bytes && (weights === 'incbin' || (long && data.length >= leastInFile)) ? 'incbin' : 'c';
  };
  return context.layers.flatMap(({ arrays, info }) => arrays.map((array) => ({ array, info, form: formOf(array) })));
}

/** What is said of an array: `Step 3, conv2: weights, …`. */
export function commentOf({ array, info }: PlacedArray): string {
  return `Step ${info.index}, ${info.name}: ${array.comment}`;
}

/** `const int8_t name[1152]` without its numbers. */
export function declaration({ array }: PlacedArray): Pick<ArrayView, 'type' | 'cName' | 'dims'> {
  const { type } = arrayView(array.cName, array.data.subarray(0, 0), '');
  return { type, cName: array.cName, dims: `[${array.data.length}]` };
}

/** The table of `<model>_quantize_u8`, which is text in every form; none where the recipe has no pixels. */
export function pixelsView({ prefix, options, ports }: EmitContext): ArrayView[] {
  const steps = pixelSteps(options.pixels?.table, ports);
  if (steps === undefined) return [];
  return [arrayView(`${prefix}_pixel_steps`, steps, 'The step of each pixel value, for each channel', [256])];
}

/** The input's step for each channel and pixel value, `channels × 256`: rounded as `interpret/quantize-input` does. */
function pixelSteps(table: Float32Array | undefined, ports: readonly CPort[]): Int8Array | undefined {
  const quant = ports[0]?.tensor.quant;
  if (table === undefined || quant === undefined) return undefined;
  return Int8Array.from(table, (real) => quantizeValue(real, quant));
}
