import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { DiffuseOp, QuantParams } from '../../src/graph/types.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { randomCarries } from '../helpers/carries.ts';
import { evaluate, narrowGrid, QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';

const grids = fc
  .integer({ min: 1, max: 255 })
  .chain((steps) => fc.integer({ min: 0, max: steps }).map((aboveLowest) => narrowGrid(steps, aboveLowest)));

/** Rows of `width` pixels, of one channel unless told. */
function diffused(
  x: Int8Array,
  width: number,
  narrow: QuantParams,
  { channels = 1, ...extra }: Omit<DiffuseOp, 'kind'> & { channels?: number } = {},
): Int8Array {
  const b = new QuantizedGraphBuilder('diffuse');
  const input = b.input([1, x.length / width / channels, width, channels], wideGrid(narrow));
  const y = b.node({ kind: 'diffuse', ...extra }, [input], narrow);
  b.output(y);
  return evaluate(b.build(), [x]).get(y)!;
}

function realsOf(values: Int8Array, { scale, zeroPoint }: QuantParams): number[] {
  return Array.from(values, (q) => scale[0]! * (q - zeroPoint));
}

describe('the grid that is diffused', () => {
  it('is finer, with room beyond the narrow one where 8 bits have it, and its integers in the middle of cells', () => {
    fc.assert(
      fc.property(grids, (narrow) => {
        const wide = wideGrid(narrow);
        const cell = narrow.scale[0]! / wide.scale[0]!;
        const steps = narrow.qmax - narrow.qmin;
        if (steps > 127) {
          expect(wide).toBe(narrow);
          return;
        }
        expect(cell).toBeGreaterThanOrEqual(2);
        if (steps < 64) expect(wide.qmax - wide.qmin).toBeGreaterThan(1.4 * steps * cell);
        for (const q of [narrow.qmin, narrow.qmax]) {
          const middle = wide.zeroPoint + (q - narrow.zeroPoint) * cell;
          expect((middle - cell / 2) % cell).toBeCloseTo(0);
          expect(middle - cell / 2).toBeGreaterThanOrEqual(-128);
          expect(middle + cell / 2 - 1).toBeLessThanOrEqual(127);
        }
      }),
    );
  });
});

describe('diffuse', () => {
  it('stays in the narrow range, and keeps zeros where nothing is below them', () => {
    const cases = grids
      .filter(({ qmin, qmax }) => qmax - qmin <= 127)
      .chain((narrow) => {
        const { qmin, qmax, zeroPoint } = wideGrid(narrow);
        const value = fc.oneof(fc.constantFrom(qmin, qmax, zeroPoint), fc.integer({ min: qmin, max: qmax }));
        return fc.tuple(fc.constant(narrow), fc.array(value, { minLength: 24, maxLength: 24 }));
      });
    fc.assert(
      fc.property(cases, ([narrow, values]) => {
        const x = Int8Array.from(values);
        const { zeroPoint } = wideGrid(narrow);
        diffused(x, 6, narrow).forEach((q, i) => {
          expect(q).toBeGreaterThanOrEqual(narrow.qmin);
          expect(q).toBeLessThanOrEqual(narrow.qmax);
          if (x[i] === zeroPoint && narrow.zeroPoint === narrow.qmin) expect(q).toBe(narrow.qmin);
        });
      }),
    );
  });

  it('is off in the mean of a flat image by a quarter of what rounding would be', () => {
    const narrow = narrowGrid(3);
    const wide = wideGrid(narrow);
    for (let q = wide.qmin + 1; q <= wide.zeroPoint + 96; q += 7) {
      const x = new Int8Array(64 * 64).fill(q);
      const [real] = realsOf(x, wide) as [number];
      const mean = realsOf(diffused(x, 64, narrow), narrow).reduce((a, b) => a + b) / x.length;
      // A quarter of half a step, and what integer arithmetic rounds.
      expect(Math.abs(mean - real)).toBeLessThan(0.125 + 0.02);
    }
  });

  it('moves errors to the right and downwards, three eighths of each', () => {
    const narrow = narrowGrid(2);
    const { zeroPoint } = wideGrid(narrow);
    // A step is 32: 15 rounds to 0 and leaves 15; 7 − 1 of them are added right of it and below, where they reach half a step.
    const x = Int8Array.from([15, 10, 1, 10, 1, 1], (v) => zeroPoint + v);
    expect(realsOf(diffused(x, 3, narrow), narrow)).toEqual([0, 1, 0, 1, 0, 0]);
  });

  it('takes what lies beyond the range for an error like others', () => {
    const narrow = narrowGrid(2);
    const { zeroPoint } = wideGrid(narrow);
    const rounded = (...row: number[]) => {
      const x = Int8Array.from(row, (v) => zeroPoint + v);
      return realsOf(diffused(x, 3, narrow), narrow);
    };
    // Two steps and 24 of 32 leave 24, of which the next gets 9.
    expect(rounded(88, 6, 7)).toEqual([2, 0, 0]);
    expect(rounded(88, 7, 1)).toEqual([2, 1, 0]);
  });

  it('carries errors to channels of blocks behind, by the weights', () => {
    const narrow = narrowGrid(2);
    const { zeroPoint } = wideGrid(narrow);
    const weights = new Int8Array(17 ** 2);
    weights[16 * 17 + 3] = 8;
    weights[16 * 17 + 5] = -4;
    const pixel = (third: number, fifth: number, last: number) => {
      const x = new Int8Array(17).fill(zeroPoint);
      for (const [c, v] of [
        [3, third],
        [5, fifth],
        [16, last],
      ] as const)
        x[c]! += v;
      return realsOf(diffused(x, 1, narrow, { channels: 17, carries: { shift: 4, weights } }), narrow)[16];
    };
    // A step is 32. Half of 15, rounded to 8, is what 8 lacks of half a step.
    expect([pixel(15, 0, 7), pixel(15, 0, 8)]).toEqual([0, 1]);
    // 20 is 12 short of a step: half of it is taken from the last channel, or a quarter added.
    expect([pixel(20, 0, 21), pixel(20, 0, 22)]).toEqual([0, 1]);
    expect([pixel(0, 20, 12), pixel(0, 20, 13)]).toEqual([0, 1]);
  });
});

describe('diffuse that keeps what a pixel adds up to', () => {
  it('rounds as without, until a pixel would hold more, which holds the sum, and none more than that', () => {
    const cases = fc.record({
      steps: fc.integer({ min: 1, max: 127 }),
      channels: fc.integer({ min: 1, max: 40 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      carrying: fc.boolean(),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(cases, ({ steps, channels, share, carrying, seed }) => {
        const narrow = narrowGrid(steps);
        const { zeroPoint } = wideGrid(narrow);
        const random = createRandom(seed);
        const x = Int8Array.from({ length: 12 * channels }, () => random.int(zeroPoint, 127));
        const extra = { channels, ...(carrying && { carries: randomCarries(channels, 4) }) };
        const pixelSum = 1 + Math.round(share * channels * steps);
        const [without, y] = [extra, { ...extra, pixelSum }].map((e) => diffused(x, 4, narrow, e));
        const [sumsWithout, sums] = [without!, y!].map((values) => sumsOf(values, channels, narrow));
        expect(Math.max(...sums!)).toBeLessThanOrEqual(pixelSum);
        const first = sumsWithout!.findIndex((sum) => sum > pixelSum);
        const same = first < 0 ? undefined : first * channels;
        expect(y!.subarray(0, same)).toEqual(without!.subarray(0, same));
        if (first >= 0) expect(sums![first]).toBe(pixelSum);
      }),
    );
  });

  it('leaves to a channel what those before it do not take, and hands on what it lacks', () => {
    const narrow = narrowGrid(2);
    const { zeroPoint } = wideGrid(narrow);
    const x = Int8Array.from([20, 90, 21, 19, 1, 14], (v) => zeroPoint + v);
    const rounded = (extra: { pixelSum?: number }) =>
      realsOf(diffused(x, 2, narrow, { channels: 3, ...extra }), narrow);
    // A step is 32. The errors −12, 26 and −11 become −4, 10 and −4 in the next pixel.
    expect(rounded({})).toEqual([1, 2, 1, 0, 0, 0]);
    // One step is left of 2 for the second channel, none for the third: 58 and 21 become 22 and 8.
    expect(rounded({ pixelSum: 2 })).toEqual([1, 1, 0, 0, 1, 1]);
    // The second pixel has as much again, whatever the first one took.
    expect(rounded({ pixelSum: 1 })).toEqual([1, 0, 0, 0, 1, 0]);
  });
});

/** Of each pixel, in steps from the lowest integer. */
function sumsOf(values: Int8Array, channels: number, { qmin }: QuantParams): number[] {
  return Array.from({ length: values.length / channels }, (_, i) =>
    values.subarray(i * channels, (i + 1) * channels).reduce((sum, q) => sum + q - qmin, 0),
  );
}
