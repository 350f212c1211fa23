import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { fitsWindow, sumRanges } from '../../../src/proof/accumulator.ts';
import { type ChannelBudget, ledgerOf, type PixelBudget } from '../../../src/quantize/weights/ledger.ts';

const LENGTH = 12;
const BITS = 6;
const single = { bits: BITS, lanes: 1, step: 1, runLength: LENGTH, segments: [LENGTH] };

/** Of one accumulator: with a limit on pixels, or, without `sum`, as many steps of weights as the range of data allows. */
function budgetOf(steps: number, sum?: number): { budget: ChannelBudget; isProven(q: ArrayLike<number>): boolean } {
  const extent = 2 ** BITS - 1;
  const pixels: PixelBudget | undefined = sum === undefined ? undefined : { channels: 4, sum, steps, extent };
  const common = { accumulators: new Int32Array(LENGTH), accumulatorCount: 1, limit: 5 };
  const operands = { lo: 0, hi: steps, ...(pixels && { pixels }) };
  return {
    budget: { ...common, budget: Math.floor(extent / steps), ...(pixels && { pixels }) },
    isProven: (q) => sumRanges(single, q, operands).every((range) => fitsWindow(range, BITS)),
  };
}

describe('the ledger', () => {
  it.each([
    ['plain', 3, undefined],
    ['a limit of one step', 3, 1],
    ['a limit between', 3, 4],
    ['a limit that is no multiple of the steps', 5, 7],
    ['a limit that does not bind', 2, 8],
  ] as const)('gives each weight the room that the proof leaves, whatever came before: %s', (_, steps, sum) => {
    const { budget, isProven } = budgetOf(steps, sum);
    const random = createRandom(steps);
    const ledger = ledgerOf(budget);
    const q = new Int8Array(LENGTH);
    for (let move = 0; move < 300; move++) {
      const [k, negative] = [random.int(0, LENGTH - 1), random.int(0, 1) === 1];
      const rooms = Array.from({ length: budget.limit + 1 }, (_, m) => m).filter((m) =>
        isProven(q.with(k, negative ? -m : m)),
      );
      const room = ledger.room(k, q[k]!, negative);
      expect(room).toBe(rooms.at(-1));
      const next = (negative ? -1 : 1) * random.int(0, room);
      ledger.book(k, q[k]!, next);
      q[k] = next;
      expect(ledger.isKept()).toBe(true);
      const takesMore = q.every((v, i) => Math.abs(v) === budget.limit || isProven(q.with(i, v + (Math.sign(v) || 1))));
      if (!takesMore) expect(ledger.isFull(0)).toBe(true);
    }
  });

  it('says when the budget is not kept', () => {
    for (const sum of [undefined, 6]) {
      const { budget, isProven } = budgetOf(3, sum);
      const [ledger, q] = [ledgerOf(budget), new Int8Array(LENGTH)];
      for (let k = 0; k < LENGTH; k++) {
        ledger.book(k, 0, 5);
        q[k] = 5;
        expect(ledger.isKept()).toBe(isProven(q));
      }
      expect(ledger.isKept()).toBe(false);
    }
  });
});
