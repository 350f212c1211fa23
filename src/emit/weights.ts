import { quantizeValue } from '../ops/quantized.ts';
import { type ArrayView, arrayView } from './constants.ts';
import type { CPort } from './ports.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';

/** `src/<model>_weights.c` and its private header; none where there are no constants. */
export function emitWeights(context: EmitContext): SourceFile[] {
  const { prefix: model, options } = context;
  const arrays = constantsOf(context);
  if (arrays.length === 0) return [];
  const head = {
    model,
    MODEL: model.toUpperCase(),
    title: `Constants of ${options.graph.name}`,
    version: options.toolVersion,
  };
  return [
    { path: `src/${model}_weights.h`, contents: renderC('weights.h.hbs', { ...head, arrays }) },
    { path: `src/${model}_weights.c`, contents: renderC('weights.c.hbs', { ...head, arrays }) },
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

function constantsOf({ prefix, layers, options, ports }: EmitContext): ArrayView[] {
  const arrays = layers.flatMap(({ arrays: own, info }) =>
    own.map(({ cName, data, comment }) => arrayView(cName, data, `Step ${info.index}, ${info.name}: ${comment}`)),
  );
  const steps = pixelSteps(options.pixels?.table, ports);
  if (steps === undefined) return arrays;
  const comment = 'The step of each pixel value, for each channel';
  return [...arrays, arrayView(`${prefix}_pixel_steps`, steps, comment, [256])];
}

/** The input's step for each channel and pixel value, `channels × 256`: rounded as `interpret/quantize-input` does. */
function pixelSteps(table: Float32Array | undefined, ports: readonly CPort[]): Int8Array | undefined {
  const quant = ports[0]?.tensor.quant;
  if (table === undefined || quant === undefined) return undefined;
  return Int8Array.from(table, (real) => quantizeValue(real, quant));
}
