import { must } from '../core/must.ts';
import type { Shape } from '../graph/types.ts';
import type { Operand } from './kernel.ts';

/** One loop over corresponding elements of several operands. */
export interface Loop {
  readonly count: number;
  /** How far each operand moves an iteration, in bytes. */
  readonly strides: readonly number[];
}

/** Distance of neighbours along each axis of a tensor that is stored as the operand. */
export function axisStrides(shape: Shape, operand: Operand): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    const fromEnd = shape.length - 1 - axis;
    if (fromEnd === 1) strides[axis] = operand.pixelStride;
    else strides[axis] = fromEnd === 2 ? operand.rowStride : strides[axis + 1]! * shape[axis + 1]!;
  }
  return strides;
}

/** The loops over H, W and C of operands of equal extents. */
export function elementLoops(operands: readonly Operand[]): Loop[] {
  const { height, width, channels } = must(operands[0], 'operand');
  return mergeLoops([
    { count: height, strides: operands.map((o) => o.rowStride) },
    { count: width, strides: operands.map((o) => o.pixelStride) },
    { count: channels, strides: operands.map(() => 1) },
  ]);
}

/** As few loops as do the same, outermost first: an iteration of one that only continues the next becomes part of it. */
export function mergeLoops(loops: readonly Loop[]): Loop[] {
  const merged: Loop[] = [];
  for (const loop of loops.toReversed()) {
    if (loop.count === 1) continue;
    const inner = merged[0];
    if (inner?.strides.every((stride, i) => stride * inner.count === loop.strides[i])) {
      merged[0] = { count: inner.count * loop.count, strides: inner.strides };
    } else {
      merged.unshift(loop);
    }
  }
  return merged;
}

/** A nest of loops for the partial `loops`, whose innermost body is the partial `leaf`. */
export type LoopNest<L extends object> =
  | { readonly index: string; readonly count: number; readonly body: LoopNest<L> }
  | (L & { readonly index: ''; readonly leaf: string });

/** How the innermost body reaches an operand. */
export interface Reference {
  /** `x + i * 544` */
  readonly address: string;
  /** `x[i * 544]` */
  readonly first: string;
  /** `x[i * 544 + e]`: element e of the run. */
  readonly element: string;
}

/** An operand's pointer in C, and how far from it the loops begin. */
export interface LoopBase {
  readonly name: string;
  readonly offset: number;
}

/**
 * @param bases the operands' pointers in C
 * @param leaf partial that is the innermost body; its data is what `data` makes of the operands
 */
export function nestLoops<L extends object>(
  loops: readonly Loop[],
  bases: readonly (string | LoopBase)[],
  leaf: string,
  data: (references: readonly Reference[]) => L,
): LoopNest<L> {
  const references = bases.map((base, operand) => {
    const { name, offset } = typeof base === 'string' ? { name: base, offset: 0 } : base;
    const moving = loops.map((loop, i) => term(indexName(i), loop.strides[operand]!)).filter((t) => t !== '');
    const terms = offset === 0 ? moving : [String(offset), ...moving];
    const indexed = (index: readonly string[]) => (index.length === 0 ? `*${name}` : `${name}[${index.join(' + ')}]`);
    return { address: [name, ...terms].join(' + '), first: indexed(terms), element: indexed([...terms, 'e']) };
  });
  const innermost: LoopNest<L> = { ...data(references), index: '', leaf };
  return loops.reduceRight<LoopNest<L>>(
    (body, loop, i) => ({ index: indexName(i), count: loop.count, body }),
    innermost,
  );
}

/**
 * The loops of an element-wise kernel: around runs of elements that follow each other in every operand.
 * @returns the outer loops and the length of a run
 */
export function splitRuns(loops: readonly Loop[]): { readonly outer: readonly Loop[]; readonly run: number } {
  const last = loops.at(-1);
  if (last === undefined || last.strides.some((stride) => stride !== 1)) return { outer: loops, run: 1 };
  return { outer: loops.slice(0, -1), run: last.count };
}

function indexName(loop: number): string {
  return must('ijklmn'[loop], 'index name');
}

function term(index: string, stride: number): string {
  return stride === 0 ? '' : stride === 1 ? index : `${index} * ${stride}`;
}
