import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alignment,
  alignUp,
  type Block,
  firstFit,
  lowerBound,
  overlapInTime,
  packArena,
} from '../../src/plan/arena.ts';

const block: fc.Arbitrary<Block> = fc
  .record({ bytes: fc.integer({ min: 1, max: 500 }), first: fc.nat(20), length: fc.nat(8) })
  .map(({ bytes, first, length }) => ({ bytes, first, last: first + length }));
const blocks = fc.array(block, { minLength: 1, maxLength: 25 });

describe('packArena', () => {
  it('keeps blocks of one time apart, aligned and inside', () => {
    fc.assert(
      fc.property(blocks, (all) => {
        const { offsets, bytes } = packArena(all);
        all.forEach((a, i) => {
          expect(offsets[i]! % alignment).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
          for (let j = 0; j < i; j++) {
            const b = all[j]!;
            if (!overlapInTime(a, b)) continue;
            const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
            expect(apart).toBe(true);
          }
        });
      }),
    );
  });

  it('needs at least the lower bound, and no more than first fit in order', () => {
    fc.assert(
      fc.property(blocks, (all) => {
        const { bytes } = packArena(all);
        expect(bytes).toBeGreaterThanOrEqual(lowerBound(all));
        const inOrder = all.map((_, i) => i).toSorted((a, b) => all[a]!.first - all[b]!.first || a - b);
        expect(bytes).toBeLessThanOrEqual(firstFit(all, inOrder).bytes);
      }),
    );
  });

  it('reaches the lower bound on a chain, where each block lives with its neighbours only', () => {
    const chain = [300, 80, 500, 40, 220, 900].map((bytes, i) => ({ bytes, first: i, last: i + 1 }));
    expect(packArena(chain).bytes).toBe(lowerBound(chain));
  });

  it('beats first fit in order where a small block would part the free memory', () => {
    const all: Block[] = [
      { bytes: 16, first: 0, last: 5 },
      { bytes: 64, first: 0, last: 1 },
      { bytes: 32, first: 1, last: 5 },
      { bytes: 128, first: 2, last: 3 },
    ];
    expect(firstFit(all, [0, 1, 2, 3]).bytes).toBe(240);
    expect(packArena(all).bytes).toBe(lowerBound(all));
  });

  it('packs nothing into nothing', () => {
    expect(packArena([])).toEqual({ offsets: [], bytes: 0 });
    expect(lowerBound([])).toBe(0);
  });
});

it('alignUp rounds up to 16', () => {
  expect([0, 1, 15, 16, 17].map(alignUp)).toEqual([0, 16, 16, 16, 32]);
});
