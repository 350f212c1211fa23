import { type ArrayView, arrayView } from './constants.ts';
import type { WeightsForm } from './layout.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';
import {
  commentOf,
  declaration,
  hasConstants,
  hasLoadedWeights,
  type PlacedArray,
  pixelsView,
  placedArrays,
} from './weights-arrays.ts';
import { emitWeightsFile, structView } from './weights-file.ts';
import { includedFiles } from './weights-included.ts';

/**
 * `src/<model>_weights.h` and, by the layout's form of the constants, `src/<model>_weights.c` (text), `src/<model>_weights.S`
 * with `src/<model>_weights.bin` (arrays of bytes, which no byte order concerns), or `data/<model>_weights.bin`, which
 * the program loads. None where there are no constants.
 */
export function emitWeights(context: EmitContext): SourceFile[] {
  const { prefix: model, options } = context;
  if (!hasConstants(context)) return [];
  const arrays = placedArrays(context);
  const inForm = (form: WeightsForm) => arrays.filter((placed) => placed.form === form);
  const pixels = pixelsView(context);
  const head = {
    ...context.head,
    title: `Constants of ${options.graph.name}`,
    included: inForm('incbin').length > 0,
    loaded: hasLoadedWeights(context) && structView(model, inForm('binary')),
  };
  const declared = [...arrays.filter(({ form }) => form !== 'binary').map(declaration), ...pixels];
  const texts = [...inForm('c').map(textView), ...pixels];
  return [
    { path: `src/${model}_weights.h`, contents: renderC('weights.h.hbs', { ...head, arrays: declared }) },
    ...(texts.length > 0
      ? [{ path: `src/${model}_weights.c`, contents: renderC('weights.c.hbs', { ...head, arrays: texts }) }]
      : []),
    ...includedFiles(model, head, inForm('incbin')),
    ...(hasLoadedWeights(context) ? [emitWeightsFile(model, options.modelHash, inForm('binary'))] : []),
  ];
}

function textView(placed: PlacedArray): ArrayView {
  return arrayView(placed.array.cName, placed.array.data, commentOf(placed));
}
