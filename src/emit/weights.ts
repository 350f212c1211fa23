import type { ConstantArray } from '../kernels/kernel.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { type ArrayView, arrayView } from './constants.ts';
import type { NamedArray } from './layer.ts';
import type { CPort } from './ports.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';

/** Bytes of constants from which compilers take seconds and gigabytes for their text: they are included as a file instead. */
const mostAsText = 2 ** 20;
/** A shorter array stays text, which a reader can look at. */
const leastInFile = 2 ** 12;
/** What 16-byte loads like best; also the arrays' alignment in C. */
const alignment = 16;

/**
 * `src/<model>_weights.c` and its private header; none where there are no constants. Where these are large, the long arrays
 * of bytes (which no byte order concerns) are in `src/<model>_weights.bin`, included by `src/<model>_weights.S`.
 */
export function emitWeights(context: EmitContext): SourceFile[] {
  const { prefix: model, options } = context;
  const all = constantsOf(context);
  if (all.length === 0) return [];
  const asText = all.filter(({ included }) => !included).map(({ view }) => view());
  const head = {
    model,
    MODEL: model.toUpperCase(),
    title: `Constants of ${options.graph.name}`,
    version: options.toolVersion,
    large: hasLargeConstants(context),
  };
  const declared = all.map(({ declaration }) => declaration);
  return [
    { path: `src/${model}_weights.h`, contents: renderC('weights.h.hbs', { ...head, arrays: declared }) },
    { path: `src/${model}_weights.c`, contents: renderC('weights.c.hbs', { ...head, arrays: asText }) },
    ...(head.large ? includedFiles(context, head) : []),
  ];
}

/** Bytes of all constants. */
export function weightBytes({ layers, options, ports }: EmitContext): number {
  const pixels = pixelSteps(options.pixels?.table, ports)?.length ?? 0;
  return layers.flatMap((l) => l.arrays).reduce((sum, { data }) => sum + data.byteLength, pixels);
}

export function hasConstants(context: EmitContext): boolean {
  return weightBytes(context) > 0;
}

/** Whether some of the constants are in `src/<model>_weights.S`. */
export function hasLargeConstants(context: EmitContext): boolean {
  return weightBytes(context) > mostAsText && context.layers.some((layer) => layer.arrays.some(isLong));
}

function isLong({ data }: ConstantArray): boolean {
  return (data instanceof Int8Array || data instanceof Uint8Array) && data.length >= leastInFile;
}

function includedFiles({ prefix, layers }: EmitContext, head: object): SourceFile[] {
  const arrays = layers.flatMap((layer) => layer.arrays.filter(isLong).map((array) => ({ array, layer })));
  const starts: number[] = [];
  let bytes = 0;
  for (const { array } of arrays) {
    starts.push(bytes);
    bytes += Math.ceil(array.data.byteLength / alignment) * alignment;
  }
  const contents = new Uint8Array(bytes);
  arrays.forEach(({ array: { data } }, i) => {
    contents.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), starts[i]!);
  });
  const entries = arrays.map(({ array, layer }, i) => ({
    cName: array.cName,
    comment: commentOf(array, layer.info),
    start: starts[i]!,
    bytes: array.data.byteLength,
  }));
  return [
    { path: `src/${prefix}_weights.S`, contents: renderC('weights.S.hbs', { ...head, alignment, arrays: entries }) },
    { path: `src/${prefix}_weights.bin`, contents },
  ];
}

interface Constant {
  /** In the weights' binary file. */
  readonly included: boolean;
  readonly declaration: Pick<ArrayView, 'type' | 'cName' | 'dims'>;
  /** With all its numbers. */
  readonly view: () => ArrayView;
}

function constantsOf(context: EmitContext): Constant[] {
  const { prefix, layers, options, ports } = context;
  const large = hasLargeConstants(context);
  const arrays = layers.flatMap(({ arrays: own, info }) =>
    own.map((array): Constant => {
      const { cName, data } = array;
      const { type } = arrayView(cName, data.subarray(0, 0), '');
      return {
        included: large && isLong(array),
        declaration: { type, cName, dims: `[${data.length}]` },
        view: () => arrayView(cName, data, commentOf(array, info)),
      };
    }),
  );
  const steps = pixelSteps(options.pixels?.table, ports);
  if (steps === undefined) return arrays;
  const pixels = arrayView(`${prefix}_pixel_steps`, steps, 'The step of each pixel value, for each channel', [256]);
  return [...arrays, { included: false, declaration: pixels, view: () => pixels }];
}

function commentOf(
  { comment }: NamedArray,
  { index, name }: { readonly index: number; readonly name: string },
): string {
  return `Step ${index}, ${name}: ${comment}`;
}

/** The input's step for each channel and pixel value, `channels × 256`: rounded as `interpret/quantize-input` does. */
function pixelSteps(table: Float32Array | undefined, ports: readonly CPort[]): Int8Array | undefined {
  const quant = ports[0]?.tensor.quant;
  if (table === undefined || quant === undefined) return undefined;
  return Int8Array.from(table, (real) => quantizeValue(real, quant));
}
