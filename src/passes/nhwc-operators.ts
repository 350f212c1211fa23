import { sameShape, sizeOf } from '../graph/shape.ts';
import type { ArgMaxOp, ConcatOp, Op, PadOp, Shape, SliceOp, SoftmaxOp, Tensor } from '../graph/types.ts';
import {
  applyChain,
  axisBefore,
  type Chain,
  resize,
  sameChain,
  shapeAfter,
  transposesIn,
  type Viewed,
} from './views.ts';

/**
 * Operators with axes, moved in front of the views of their input: what they are on the base tensor, the shape of their
 * result there, and the views behind it. Undefined where a reshape mixes the axis with others.
 */
export interface OnBase {
  readonly op: Op;
  readonly shape: Shape;
  readonly chain: Chain;
}

export function softmaxOnBase(op: SoftmaxOp, x: Viewed): OnBase | undefined {
  const axis = axisBefore(x.base.shape, x.chain, op.axis);
  return axis === undefined ? undefined : { op: { ...op, axis }, shape: x.base.shape, chain: x.chain };
}

export function argMaxOnBase(op: ArgMaxOp, x: Viewed): OnBase | undefined {
  const axis = axisBefore(x.base.shape, x.chain, op.axis);
  if (axis === undefined) return undefined;
  const one = (shape: Shape, at: number): Shape => shape.map((d, i) => (i === at ? 1 : d));
  const [shape, chain] = [one(x.base.shape, axis), resize(x.base.shape, x.chain, axis, 1)];
  const expected = one(shapeAfter(x.base.shape, x.chain), op.axis);
  return leadsTo(expected, shape, chain) ? { op: { ...op, axis }, shape, chain } : undefined;
}

export function padOnBase(op: PadOp, x: Viewed): OnBase | undefined {
  const rank = x.base.shape.length;
  const view = shapeAfter(x.base.shape, x.chain);
  const pads = new Array<number>(2 * rank).fill(0);
  let shape = x.base.shape;
  let chain: Chain | undefined = x.chain;
  for (let axis = 0; axis < view.length; axis++) {
    const [before, after] = [op.pads[axis]!, op.pads[view.length + axis]!];
    if (before === 0 && after === 0) continue;
    const at = axisBefore(x.base.shape, x.chain, axis);
    if (at === undefined || chain === undefined) return undefined;
    pads[at] = before;
    pads[rank + at] = after;
    const extent = shape[at]! + before + after;
    chain = resize(shape, chain, at, extent);
    shape = shape.map((d, i) => (i === at ? extent : d));
  }
  const padded = view.map((d, axis) => d + op.pads[axis]! + op.pads[view.length + axis]!);
  return leadsTo(padded, shape, chain) ? { op: { ...op, pads }, shape, chain } : undefined;
}

export function sliceOnBase(op: SliceOp, x: Viewed): OnBase | undefined {
  const view = shapeAfter(x.base.shape, x.chain);
  let shape = x.base.shape;
  let chain: Chain | undefined = x.chain;
  const [starts, steps] = [shape.map(() => 0), shape.map(() => 1)];
  for (let axis = 0; axis < view.length; axis++) {
    const [start, step, size] = [op.starts[axis]!, op.steps[axis]!, op.sizes[axis]!];
    if (size === view[axis] && step === 1) continue;
    const at = axisBefore(x.base.shape, x.chain, axis);
    if (at === undefined || chain === undefined) return undefined;
    [starts[at], steps[at]] = [start, step];
    chain = resize(shape, chain, at, size);
    shape = shape.map((d, i) => (i === at ? size : d));
  }
  return leadsTo(op.sizes, shape, chain) ? { op: { ...op, starts, steps, sizes: shape }, shape, chain } : undefined;
}

/** Among axes of extent 1 the wrong one may have been found: then the views end in another shape. */
function leadsTo(expected: Shape, shape: Shape, chain: Chain | undefined): chain is Chain {
  return chain !== undefined && sameShape(shapeAfter(shape, chain), expected);
}

/** Where all parts have the same views, but for their extent along the axis. */
export function concatOnBase(op: ConcatOp, parts: readonly Viewed[]): OnBase | undefined {
  const [first] = parts as [Viewed];
  const axis = axisBefore(first.base.shape, first.chain, op.axis);
  if (axis === undefined) return undefined;
  for (const { base, chain } of parts) {
    const extent = base.shape[axis] ?? 0;
    const alike = first.base.shape.map((d, i) => (i === axis ? extent : d));
    const expected = resize(first.base.shape, first.chain, axis, extent);
    if (expected === undefined || !sameShape(alike, base.shape) || !sameChain(base.shape, expected, chain))
      return undefined;
  }
  const total = parts.reduce((sum, p) => sum + p.base.shape[axis]!, 0);
  const chain = resize(first.base.shape, first.chain, axis, total);
  const shape = first.base.shape.map((d, i) => (i === axis ? total : d));
  const joined = shapeAfter(first.base.shape, first.chain).map((d, i) =>
    i === op.axis ? parts.reduce((sum, p) => sum + shapeAfter(p.base.shape, p.chain)[i]!, 0) : d,
  );
  return leadsTo(joined, shape, chain) ? { op: { ...op, axis }, shape, chain } : undefined;
}

/**
 * Scale and shift for the base tensor: the same where its last axis is the view's, one value repeated where all channels
 * share it.
 */
export function affineOnBase(x: Viewed, scale: Tensor, shift: Tensor): [Tensor, Tensor] | undefined {
  const view = shapeAfter(x.base.shape, x.chain);
  const last = x.base.shape.length - 1;
  if (axisBefore(x.base.shape, x.chain, view.length - 1) === last) return [scale, shift];
  const constants = [scale, shift].map((t) => repeated(t, x.base.shape[last]!));
  return constants[0] && constants[1] ? [constants[0], constants[1]] : undefined;
}

function repeated(t: Tensor, count: number): Tensor | undefined {
  const value = t.data?.[0];
  if (value === undefined || t.data?.some((v) => v !== value)) return undefined;
  return { ...t, shape: [count], data: new Float32Array(count).fill(value) };
}

/**
 * Weights of a fully connected layer in the order of the base tensor's bytes, where the views only permute values inside
 * each row, all rows alike. Undefined where there is nothing to absorb, or where the views mix rows.
 */
export function absorbIntoWeights(x: Viewed, w: Tensor): Tensor | undefined {
  if (w.data === undefined || transposesIn(x.base.shape, x.chain) === 0) return undefined;
  const [rows, length] = shapeAfter(x.base.shape, x.chain) as [number, number];
  const indices = Float64Array.from({ length: sizeOf(x.base.shape) }, (_, i) => i);
  const order = applyChain(indices, x.base.shape, x.chain);
  for (let i = length; i < rows * length; i++)
    if (order[i]! !== order[i % length]! + i - (i % length)) return undefined;
  for (let k = 0; k < length; k++) if (order[k]! >= length) return undefined;
  const data = w.data.slice();
  for (let o = 0; o < w.shape[0]!; o++) {
    for (let k = 0; k < length; k++) data[o * length + order[k]!] = w.data[o * length + k]!;
  }
  return { ...w, data };
}
