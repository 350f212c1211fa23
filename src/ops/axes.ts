import type { Importer } from './source.ts';

/** ONNX axis, possibly counted from the end, as an index below `rank`; rejects one that is out of range. */
export function normalizeAxis(im: Importer, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(positive) || positive < 0 || positive >= rank) {
    throw im.invalid(`axis ${axis} does not exist in a tensor of rank ${rank}`);
  }
  return positive;
}

/**
 * The axes of Squeeze, Unsqueeze and the reductions: an attribute in old opsets, input 1 in new ones.
 * @returns ascending, each below `rank`; undefined where the node names none
 */
export function parseAxes(im: Importer, rank: number): number[] | undefined {
  const { attributes } = im.node;
  const raw = attributes.has('axes')
    ? attributes.ints('axes')
    : im.has(1)
      ? Array.from(im.constant(1).data)
      : undefined;
  if (raw === undefined) return undefined;
  const axes = raw.map((axis) => normalizeAxis(im, axis, rank)).sort((a, b) => a - b);
  if (new Set(axes).size !== axes.length) throw im.invalid(`an axis is named twice in ${raw.join(', ')}`);
  return axes;
}
