import {
  composePermutations,
  inversePermutation,
  isIdentityPermutation,
  permuteShape,
  sameShape,
  sizeOf,
  transposeData,
} from '../graph/shape.ts';
import type { ReshapeOp, Shape, Tensor, TensorData, TransposeOp } from '../graph/types.ts';
import { onePermutation } from './one-permutation.ts';

/**
 * Chains of transposes and reshapes: ways to look at the same values. All functions take the shape that the chain starts
 * from.
 */
export type View = TransposeOp | ReshapeOp;
export type Chain = readonly View[];

/** A tensor looked at through a chain of views. */
export interface Viewed {
  readonly base: Tensor;
  readonly chain: Chain;
}

export function shapeAfter(shape: Shape, chain: Chain): Shape {
  return chain.reduce((s, v) => (v.kind === 'transpose' ? permuteShape(s, v.perm) : v.shape), shape);
}

/** Neighbours of one kind become one, and what changes nothing goes. */
export function simplify(shape: Shape, chain: Chain): Chain {
  const out: { readonly view: View; readonly before: Shape }[] = [];
  for (const view of chain) {
    const last = out.at(-1);
    const before = last === undefined ? shape : shapeAfter(last.before, [last.view]);
    if (last?.view.kind === 'transpose' && view.kind === 'transpose') {
      out.pop();
      push(out, { kind: 'transpose', perm: composePermutations(last.view.perm, view.perm) }, last.before);
    } else if (last?.view.kind === 'reshape' && view.kind === 'reshape') {
      out.pop();
      push(out, view, last.before);
    } else push(out, view, before);
  }
  const result = out.map((o) => o.view);
  return result.length < chain.length ? simplify(shape, result) : result;
}

function push(out: { view: View; before: Shape }[], view: View, before: Shape): void {
  const still = view.kind === 'transpose' ? isIdentityPermutation(view.perm) : sameShape(view.shape, before);
  if (!still) out.push({ view, before });
}

/**
 * The chain with the fewest transposes: axes of extent 1 are left out of account, so a permutation that only moves those
 * becomes a reshape, and reshapes that only add or drop them do not keep transposes apart.
 */
export function canonical(shape: Shape, chain: Chain): Chain {
  const final = shapeAfter(shape, chain);
  let current = shape;
  const squeezed: View[] = [];
  for (const view of chain) {
    squeezed.push(squeezeView(current, view));
    current = shapeAfter(current, [view]);
  }
  const steps = simplify(squeeze(shape), squeezed);
  const out: View[] = [];
  current = shape;
  steps.forEach((step, i) => {
    const wanted = i === steps.length - 1 ? final : undefined;
    const view: View =
      step.kind === 'reshape'
        ? { kind: 'reshape', shape: wanted ?? step.shape }
        : { kind: 'transpose', perm: unsqueezePermutation(current, step.perm, wanted) };
    out.push(view);
    current = shapeAfter(current, [view]);
  });
  const result = simplify(shape, [...out, { kind: 'reshape', shape: final }]);
  const moves = result.filter((v) => v.kind === 'transpose').length;
  return moves < 2 ? result : (onePermutation(shape, result) ?? result);
}

function squeeze(shape: Shape): Shape {
  return shape.filter((d) => d !== 1);
}

function squeezeView(shape: Shape, view: View): View {
  if (view.kind === 'reshape') return { kind: 'reshape', shape: squeeze(view.shape) };
  const real = shape.flatMap((d, axis) => (d === 1 ? [] : [axis]));
  return { kind: 'transpose', perm: view.perm.filter((axis) => shape[axis] !== 1).map((axis) => real.indexOf(axis)) };
}

/** A permutation of all axes: one that gives `wanted`, where there is one; else unit axes stay where they are. */
function unsqueezePermutation(shape: Shape, perm: readonly number[], wanted: Shape | undefined): number[] {
  const real = shape.flatMap((d, axis) => (d === 1 ? [] : [axis]));
  const units = shape.flatMap((d, axis) => (d === 1 ? [axis] : []));
  const fill = (target: Shape): number[] => {
    const [r, u] = [perm.map((i) => real[i]!), [...units]];
    return target.map((d) => (d === 1 ? u.shift()! : r.shift()!));
  };
  const fits = wanted !== undefined && wanted.length === shape.length;
  return fits ? fill(wanted) : fill(shape);
}

/** From the chain's result back to its start. */
export function invert(shape: Shape, chain: Chain): Chain {
  const inverse: View[] = [];
  let current = shape;
  for (const view of chain) {
    inverse.unshift(
      view.kind === 'transpose'
        ? { kind: 'transpose', perm: inversePermutation(view.perm) }
        : { kind: 'reshape', shape: current },
    );
    current = shapeAfter(current, [view]);
  }
  return inverse;
}

/**
 * The same for an operand that is broadcast to the chain's result: where it has extent 1, it has it behind the inverse, too.
 * Undefined where a reshape mixes axes that it repeats with others.
 */
export function invertFor(shape: Shape, chain: Chain, operand: Shape): Chain | undefined {
  const shapes = [shape];
  for (const view of chain) shapes.push(shapeAfter(shapes.at(-1)!, [view]));
  const out: View[] = [];
  let current = operand;
  for (let i = chain.length - 1; i >= 0; i--) {
    const view = chain[i]!;
    const back: View | undefined =
      view.kind === 'transpose'
        ? { kind: 'transpose', perm: inversePermutation(view.perm) }
        : broadcastReshape(shapes[i + 1]!, shapes[i]!, current);
    if (back === undefined) return undefined;
    out.push(back);
    current = shapeAfter(current, [back]);
  }
  return out;
}

/** From the axes of `from` to those of `to`, for an operand with extent 1 where it is repeated. */
function broadcastReshape(from: Shape, to: Shape, operand: Shape): ReshapeOp | undefined {
  const shape: number[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    // The fewest axes on both sides that hold as many elements.
    const [start, first] = [i, j];
    let [a, b] = [from[i++] ?? 1, to[j++] ?? 1];
    while (a !== b) {
      if (a < b) a *= from[i++]!;
      else b *= to[j++]!;
    }
    const [theirs, own] = [from.slice(start, i), operand.slice(start, i)];
    if (sameShape(theirs, own)) shape.push(...to.slice(first, j));
    else if (own.every((d) => d === 1)) shape.push(...to.slice(first, j).map(() => 1));
    else return undefined;
  }
  return { kind: 'reshape', shape };
}

/** Transposes that move data. */
export function transposesIn(shape: Shape, chain: Chain): number {
  return canonical(shape, chain).filter((v) => v.kind === 'transpose').length;
}

/** The start's axis that `axis` of the result is, index for index; undefined where a reshape mixes it with others. */
export function axisBefore(shape: Shape, chain: Chain, axis: number): number | undefined {
  const shapes = [shape];
  for (const view of chain) shapes.push(shapeAfter(shapes.at(-1)!, [view]));
  let found: number | undefined = axis;
  for (let i = chain.length - 1; i >= 0 && found !== undefined; i--) {
    const view = chain[i]!;
    found = view.kind === 'transpose' ? view.perm[found] : sameAxis(shapes[i + 1]!, found, shapes[i]!);
  }
  return found;
}

/** The chain for a start whose extent along `axis` is another; undefined where a reshape mixes that axis with others. */
export function resize(shape: Shape, chain: Chain, axis: number, extent: number): Chain | undefined {
  let current = shape;
  let at = axis;
  const out: View[] = [];
  for (const view of chain) {
    if (view.kind === 'transpose') {
      at = view.perm.indexOf(at);
      out.push(view);
    } else {
      const next = sameAxis(current, at, view.shape);
      if (next === undefined) return undefined;
      at = next;
      out.push({ kind: 'reshape', shape: view.shape.map((d, i) => (i === next ? extent : d)) });
    }
    current = shapeAfter(current, [view]);
  }
  return out;
}

/**
 * The axis of `to` with the same extent, and as many elements before it, as `axis` of `from`. Among axes of extent 1
 * there may be several: the nearest index is taken.
 */
function sameAxis(from: Shape, axis: number, to: Shape): number | undefined {
  const before = sizeOf(from.slice(0, axis));
  const candidates = to.flatMap((d, i) => (d === from[axis] && sizeOf(to.slice(0, i)) === before ? [i] : []));
  const offset = to.length - from.length;
  const distance = (i: number): number => Math.min(Math.abs(i - axis), Math.abs(i - axis - offset));
  return candidates.sort((a, b) => distance(a) - distance(b))[0];
}

/** The values in the order of the chain's result. */
export function applyChain<T extends TensorData>(data: T, shape: Shape, chain: Chain): T {
  let current = shape;
  let values: T = data;
  for (const view of chain) {
    if (view.kind === 'transpose') values = transposeData<T>(values, current, view.perm, values.slice() as T);
    current = shapeAfter(current, [view]);
  }
  return values;
}

export function sameChain(shape: Shape, a: Chain, b: Chain): boolean {
  return JSON.stringify(canonical(shape, a)) === JSON.stringify(canonical(shape, b));
}
