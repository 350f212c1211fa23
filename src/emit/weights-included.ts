import { renderC } from './render.ts';
import type { SourceFile } from './types.ts';
import { commentOf, type PlacedArray } from './weights-arrays.ts';
import { alignment, joinAligned } from './weights-bytes.ts';

/** `src/<model>_weights.S` and the `.bin` file that it includes; none for no arrays. */
export function includedFiles(model: string, head: object, arrays: readonly PlacedArray[]): SourceFile[] {
  if (arrays.length === 0) return [];
  const { contents, starts } = joinAligned(arrays.map(({ array }) => array.data));
  const entries = arrays.map((placed, i) => ({
    cName: placed.array.cName,
    comment: commentOf(placed),
    start: starts[i]!,
    bytes: placed.array.data.byteLength,
  }));
  return [
    { path: `src/${model}_weights.S`, contents: renderC('weights.S.hbs', { ...head, alignment, arrays: entries }) },
    { path: `src/${model}_weights.bin`, contents },
  ];
}
