import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Shape } from '../../src/graph/types.ts';
import {
  applyChain,
  axisBefore,
  type Chain,
  canonical,
  invert,
  resize,
  shapeAfter,
  simplify,
  type View,
} from '../../src/passes/views.ts';

const T = (...perm: number[]): View => ({ kind: 'transpose', perm });
const R = (...shape: number[]): View => ({ kind: 'reshape', shape });

/** A shape and a chain that fits it; extents are small, 1 among them, so that free permutations are common. */
const chains = fc
  .record({
    shape: fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 1, maxLength: 4 }),
    steps: fc.array(fc.record({ transpose: fc.boolean(), seed: fc.nat(1000) }), { maxLength: 5 }),
  })
  .map(({ shape, steps }) => {
    const chain: View[] = [];
    let current: Shape = shape;
    for (const { transpose, seed } of steps) {
      const view = transpose ? T(...permutation(current.length, seed)) : R(...regrouped(current, seed));
      chain.push(view);
      current = shapeAfter(current, [view]);
    }
    return { shape, chain };
  });

function permutation(rank: number, seed: number): number[] {
  const rest = Array.from({ length: rank }, (_, i) => i);
  let n = seed;
  return Array.from({ length: rank }, () => {
    const [axis] = rest.splice(n % rest.length, 1);
    n = Math.floor(n / 2);
    return axis!;
  });
}

/** Merges two neighbours, drops or adds an axis of extent 1. */
function regrouped(shape: Shape, seed: number): Shape {
  const at = seed % (shape.length + 1);
  if (seed % 3 === 0 || shape.length < 2) return [...shape.slice(0, at), 1, ...shape.slice(at)];
  if (seed % 3 === 1 && shape.includes(1)) return shape.toSpliced(shape.indexOf(1), 1);
  const i = seed % (shape.length - 1);
  return shape.toSpliced(i, 2, shape[i]! * shape[i + 1]!);
}

const indices = (shape: Shape): Int32Array => Int32Array.from({ length: sizeOf(shape) }, (_, i) => i);

describe('chains of views', () => {
  it('mean the same in simple and canonical form', () => {
    fc.assert(
      fc.property(chains, ({ shape, chain }) => {
        const expected = applyChain(indices(shape), shape, chain);
        for (const form of [simplify(shape, chain), canonical(shape, chain)]) {
          expect(applyChain(indices(shape), shape, form)).toEqual(expected);
          expect(shapeAfter(shape, form)).toEqual(shapeAfter(shape, chain));
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('are undone by their inverse', () => {
    fc.assert(
      fc.property(chains, ({ shape, chain }) => {
        expect(canonical(shape, [...chain, ...invert(shape, chain)])).toEqual([]);
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  it('know which axis an axis was', () => {
    fc.assert(
      fc.property(chains, fc.nat(3), ({ shape, chain }, pick) => {
        const final = shapeAfter(shape, chain);
        const axis = pick % Math.max(1, final.length);
        const before = axisBefore(shape, chain, axis);
        if (before === undefined || final.length === 0) return;
        // The coordinate along the axis, seen through the chain, is the coordinate along the axis found.
        const coordinate = (s: Shape, at: number): Int32Array =>
          indices(s).map((i) => Math.floor(i / sizeOf(s.slice(at + 1))) % s[at]!);
        expect(applyChain(coordinate(shape, before), shape, chain)).toEqual(coordinate(final, axis));
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  const cases: [string, Shape, Chain, Chain][] = [
    ['a transpose and its inverse', [1, 2, 3, 4], [T(0, 2, 3, 1), T(0, 3, 1, 2)], []],
    ['a transpose of one channel', [1, 1, 5, 4], [T(0, 2, 3, 1)], [R(1, 5, 4, 1)]],
    [
      'transposes around a reshape of unit axes',
      [1, 7, 5],
      [T(0, 2, 1), R(1, 5, 1, 7), T(0, 2, 3, 1)],
      [R(1, 1, 7, 5)],
    ],
    ['a flattened pixel', [1, 1, 1, 8], [T(0, 3, 1, 2), R(1, 8)], [R(1, 8)]],
    ['a flattened image', [1, 2, 2, 8], [T(0, 3, 1, 2), R(1, 32)], [T(0, 3, 1, 2), R(1, 32)]],
    ['a line to channels-last', [1, 3, 9], [R(1, 3, 1, 9), T(0, 2, 3, 1)], [T(0, 2, 1), R(1, 1, 9, 3)]],
  ];
  it.each(cases)('%s', (_name, shape, chain, expected) => {
    expect(canonical(shape, chain)).toEqual(expected);
  });

  it('follow an axis that changes its extent', () => {
    expect(resize([1, 4, 5, 6], [T(0, 3, 1, 2), R(1, 6, 20)], 3, 9)).toEqual([T(0, 3, 1, 2), R(1, 9, 20)]);
    expect(resize([1, 4, 5, 6], [R(1, 20, 6)], 1, 8)).toBeUndefined();
  });
});
