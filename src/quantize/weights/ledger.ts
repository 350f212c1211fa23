import type { PixelLimit } from '../../proof/pixel-sums.ts';

/** What the integers of one output channel have to keep. */
export interface ChannelBudget {
  /** For each product the accumulator that sums it. */
  readonly accumulators: Int32Array;
  readonly accumulatorCount: number;
  /** Σ|q| that each accumulator may have. */
  readonly budget: number;
  /** The largest |q|. */
  readonly limit: number;
  /** Replaces the budget where pixels keep their sums: there is one accumulator. */
  readonly pixels?: PixelBudget;
}

/** The budget under a limit on pixels (docs/proof.md): at a tap, weights of one sign and below the largest ones cost nothing. */
export interface PixelBudget extends PixelLimit {
  /** ν − µ of the operands. */
  readonly steps: number;
  /** What the accumulator holds: hi − lo of its sum may be as much. */
  readonly extent: number;
}

/** Books what a channel's integers take of its accumulators. */
export interface Ledger {
  /** Product k's integer changes. */
  book(k: number, from: number, to: number): void;
  /** The largest magnitude that product k's integer, `from` by now, may have with that sign. */
  room(k: number, from: number, negative: boolean): number;
  /** Whether there are steps that an accumulator cannot take. */
  isFull(accumulator: number): boolean;
  /** Whether what is booked keeps the budget. */
  isKept(): boolean;
}

export function ledgerOf(budget: ChannelBudget): Ledger {
  return budget.pixels === undefined ? plainLedger(budget) : pixelLedger(budget, budget.pixels);
}

/** Every step of every weight costs the same. */
function plainLedger({ accumulators, accumulatorCount, budget, limit }: ChannelBudget): Ledger {
  const spent = new Int32Array(accumulatorCount);
  return {
    book(k, from, to) {
      spent[accumulators[k]!]! += Math.abs(to) - Math.abs(from);
    },
    room(k, from) {
      const own = Math.abs(from);
      return Math.max(own, Math.min(limit, own + budget - spent[accumulators[k]!]!));
    },
    isFull: (a) => spent[a]! >= budget,
    isKept: () => spent.every((sum) => sum <= budget),
  };
}

/**
 * With N(m) weights of a tap and sign that have a magnitude of m or more, those reach Σ over m of min(sum, steps·N(m)): a step to m costs what
 * it adds to that.
 */
function pixelLedger({ accumulators, limit }: ChannelBudget, pixels: PixelBudget): Ledger {
  const { channels, steps, sum, extent } = pixels;
  const width = limit + 1;
  // N(m) of each tap and sign, in rows.
  const counts = new Int32Array(2 * Math.ceil(accumulators.length / channels) * width);
  const rowOf = (k: number, negative: boolean) => (2 * Math.floor(k / channels) + (negative ? 1 : 0)) * width;
  const price = (count: number) => Math.min(sum, steps * (count + 1)) - Math.min(sum, steps * count);
  let spent = 0;
  return {
    book(k, from, to) {
      const [old, own] = [rowOf(k, from < 0), rowOf(k, to < 0)];
      for (let m = Math.abs(from); m > 0; m--) spent -= price(--counts[old + m]!);
      for (let m = 1; m <= Math.abs(to); m++) spent += price(counts[own + m]!++);
    },
    room(k, from, negative) {
      const [old, own] = [rowOf(k, from < 0), rowOf(k, negative)];
      const stays = from === 0 || from < 0 === negative;
      let [left, m] = [extent - spent, stays ? Math.abs(from) : 0];
      if (!stays) for (let j = Math.abs(from); j > 0; j--) left += price(counts[old + j]! - 1);
      while (m < limit) {
        left -= price(counts[own + m + 1]!);
        if (left < 0) break;
        m++;
      }
      return m;
    },
    isFull: () => spent + steps > extent,
    isKept: () => spent <= extent,
  };
}
