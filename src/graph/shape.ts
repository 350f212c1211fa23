import type { Shape } from './types.ts';

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, d) => product * d, 1);
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** `1×32×32×3`, as messages and generated comments show it. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.join('×');
}

export function permuteShape(shape: Shape, perm: readonly number[]): number[] {
  return perm.map((axis) => shape[axis]!);
}

export function inversePermutation(perm: readonly number[]): number[] {
  const inverse = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    inverse[axis] = i;
  });
  return inverse;
}

/** The permutation that applies `first`, then `second`. */
export function composePermutations(first: readonly number[], second: readonly number[]): number[] {
  return second.map((axis) => first[axis]!);
}

export function isIdentityPermutation(perm: readonly number[]): boolean {
  return perm.every((axis, i) => axis === i);
}

/** True where the permutation moves only axes of extent 1: the bytes stay where they are. */
export function isFreePermutation(shape: Shape, perm: readonly number[]): boolean {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!);
}

/**
 * Transposes `data` of `shape`; output axis i is input axis perm[i].
 * @param out receives the result, of the same length and kind as `data`
 */
export function transposeData<T extends { [i: number]: number; readonly length: number }>(
  data: T,
  shape: Shape,
  perm: readonly number[],
  out: T,
): T {
  const outShape = permuteShape(shape, perm);
  const inStrides = stridesOf(shape);
  const steps = perm.map((axis) => inStrides[axis]!);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += steps[axis]!;
      if (index[axis]! < outShape[axis]!) break;
      from -= steps[axis]! * outShape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
