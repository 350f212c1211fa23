import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  configurationOf,
  convexFront,
  thinned,
  type Unit,
  undominated,
} from '../../../src/quantize/search/front.ts';

const candidate = fc
  .record({ error: fc.integer({ min: 1, max: 50 }), instructions: fc.integer({ min: 1, max: 50 }) })
  .map((c): Candidate => ({ settings: undefined, ...c }));
/** Up to three units of up to two variants of one or two layers. */
const units = fc.array(
  fc
    .integer({ min: 1, max: 2 })
    .chain((layers) =>
      fc.array(
        fc.array(fc.array(candidate, { minLength: 1, maxLength: 3 }), { minLength: layers, maxLength: layers }),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
    )
    .map((variants): Unit => ({ variants })),
  { minLength: 1, maxLength: 3 },
);

/** Every configuration there is. */
function all(of: readonly Unit[]): Candidate[][] {
  return of.reduce<Candidate[][]>(
    (sofar, { variants }) => {
      const own = variants.flatMap((layers) =>
        layers.reduce<Candidate[][]>((some, layer) => some.flatMap((s) => layer.map((c) => [...s, c])), [[]]),
      );
      return sofar.flatMap((s) => own.map((o) => [...s, ...o]));
    },
    [[]],
  );
}

describe('convexFront', () => {
  it('holds the least error, the fewest instructions, and nothing that a configuration beats in both, checked by trying all', () => {
    fc.assert(
      fc.property(units, (given) => {
        const configurations = all(given).map(configurationOf);
        const front = convexFront(given);
        expect(front.at(-1)!.error).toBe(Math.min(...configurations.map((c) => c.error)));
        expect(front[0]!.instructions).toBe(Math.min(...configurations.map((c) => c.instructions)));
        for (const point of front) {
          const beats = configurations.filter(
            (c) =>
              c.error <= point.error &&
              c.instructions <= point.instructions &&
              c.error + c.instructions < point.error + point.instructions,
          );
          // The ends may tie in what they are the best at.
          if (point !== front[0] && point !== front.at(-1)) expect(beats).toEqual([]);
        }
        for (let i = 1; i < front.length; i++) expect(front[i]!.error).toBeLessThanOrEqual(front[i - 1]!.error);
      }),
    );
  });

  it('holds every corner: no configuration lies below the line between two neighbours', () => {
    fc.assert(
      fc.property(units, (given) => {
        const front = convexFront(given);
        for (let i = 1; i < front.length; i++) {
          const [few, many] = [front[i - 1]!, front[i]!];
          if (many.instructions <= few.instructions) continue;
          const price = (few.error - many.error) / (many.instructions - few.instructions);
          for (const c of all(given).map(configurationOf)) {
            expect(c.error + price * c.instructions).toBeGreaterThanOrEqual(
              few.error + price * few.instructions - 1e-6,
            );
          }
        }
      }),
    );
  });
});

describe('thinned', () => {
  it('keeps both ends and at most so many points', () => {
    const front = Array.from({ length: 40 }, (_, i) => ({ chosen: [], error: 2 ** -i, instructions: i }));
    const kept = thinned(front, 10);
    expect(kept.length).toBeLessThanOrEqual(11);
    expect(kept.length).toBeGreaterThan(8);
    expect([kept[0], kept.at(-1)]).toEqual([front[0], front.at(-1)]);
  });
});

describe('undominated', () => {
  it('keeps what nothing beats in both', () => {
    const of = (error: number, instructions: number): Candidate => ({ settings: undefined, error, instructions });
    expect(undominated([of(3, 1), of(1, 3), of(2, 2), of(2, 3), of(4, 1)])).toEqual([of(3, 1), of(2, 2), of(1, 3)]);
  });
});
