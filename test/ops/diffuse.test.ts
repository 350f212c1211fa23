import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuantParams } from '../../src/graph/types.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { evaluate, narrowGrid, QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';

const grids = fc
  .integer({ min: 1, max: 255 })
  .chain((steps) => fc.integer({ min: 0, max: steps }).map((aboveLowest) => narrowGrid(steps, aboveLowest)));

/** One channel, rows of `width`. */
function diffused(x: Int8Array, width: number, narrow: QuantParams): Int8Array {
  const b = new QuantizedGraphBuilder('diffuse');
  const y = b.node({ kind: 'diffuse' }, [b.input([1, x.length / width, width, 1], wideGrid(narrow))], narrow);
  b.output(y);
  return evaluate(b.build(), [x]).get(y)!;
}

function realsOf(values: Int8Array, { scale, zeroPoint }: QuantParams): number[] {
  return Array.from(values, (q) => scale[0]! * (q - zeroPoint));
}

describe('the grid that is diffused', () => {
  it('has the range of the narrow one, finer, with half a cell of room in int8 beyond both ends', () => {
    fc.assert(
      fc.property(grids, (narrow) => {
        const wide = wideGrid(narrow);
        const cell = narrow.scale[0]! / wide.scale[0]!;
        expect((wide.qmin - wide.zeroPoint) / cell).toBe(narrow.qmin - narrow.zeroPoint);
        expect((wide.qmax - wide.zeroPoint) / cell).toBe(narrow.qmax - narrow.zeroPoint);
        expect(cell).toBeGreaterThan(128 / (narrow.qmax - narrow.qmin + 1));
        expect(wide.qmin - Math.floor(cell / 2)).toBeGreaterThanOrEqual(-128);
        expect(wide.qmax + Math.floor((cell - 1) / 2)).toBeLessThanOrEqual(127);
      }),
    );
  });
});

describe('diffuse', () => {
  it('stays in the narrow range, and keeps its ends', () => {
    const cases = grids.chain((narrow) => {
      const { qmin, qmax } = wideGrid(narrow);
      const value = fc.oneof(fc.constantFrom(qmin, qmax), fc.integer({ min: qmin, max: qmax }));
      return fc.tuple(fc.constant(narrow), fc.array(value, { minLength: 24, maxLength: 24 }));
    });
    fc.assert(
      fc.property(cases, ([narrow, values]) => {
        const x = Int8Array.from(values);
        const { qmin, qmax } = wideGrid(narrow);
        diffused(x, 6, narrow).forEach((q, i) => {
          expect(q).toBeGreaterThanOrEqual(narrow.qmin);
          expect(q).toBeLessThanOrEqual(narrow.qmax);
          if (x[i] === qmin) expect(q).toBe(narrow.qmin);
          if (x[i] === qmax) expect(q).toBe(narrow.qmax);
        });
      }),
    );
  });

  it('gives a flat image its value in the mean, where rounding would be off everywhere alike', () => {
    const narrow = narrowGrid(3);
    const wide = wideGrid(narrow);
    for (let q = wide.qmin + 1; q < wide.qmax; q += 7) {
      const x = new Int8Array(64 * 64).fill(q);
      const [real] = realsOf(x, wide);
      const mean = realsOf(diffused(x, 64, narrow), narrow).reduce((a, b) => a + b) / x.length;
      expect(Math.abs(mean - real!)).toBeLessThan(0.02);
    }
  });

  it('moves errors to the right and downwards, half of each', () => {
    const narrow = narrowGrid(2);
    const { zeroPoint } = wideGrid(narrow);
    // A step is 64: 24 rounds to 0 and leaves 24; 12 of them are added right of it and below, where they reach half a step.
    const x = Int8Array.from([24, 20, 1, 20, 1, 1], (v) => zeroPoint + v);
    expect(realsOf(diffused(x, 3, narrow), narrow)).toEqual([0, 1, 0, 1, 0, 0]);
  });
});
