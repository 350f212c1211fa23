import { type ChannelBudget, type Ledger, ledgerOf } from '../weights/ledger.ts';

/**
 * One output channel's problem: integers q and a scale s that make the squared error E[(t − s·qᵀx)²] small, around the
 * means (a bias takes up what is left of them), while every accumulator keeps its budget.
 */
export interface ChannelProblem extends ChannelBudget {
  readonly length: number;
  /** H = Cov[x, x], length × length. */
  readonly hessian: Float64Array;
  /** Cov[x, t] and Var[t]. */
  readonly wanted: Float64Array;
  readonly power: number;
}

/** Integers, with what depends on them: changed together. */
export interface Integers {
  readonly q: Int8Array;
  /** H·q. */
  readonly reach: Float64Array;
  /** What they take of the budget. */
  readonly ledger: Ledger;
}

export function integersOf(problem: ChannelProblem, q: Int8Array): Integers {
  const integers = { q, reach: new Float64Array(q.length), ledger: ledgerOf(problem) };
  for (let k = 0; k < q.length; k++) {
    if (q[k] === 0) continue;
    addRow(integers.reach, problem.hessian, k * q.length, q[k]!);
    integers.ledger.book(k, 0, q[k]!);
  }
  return integers;
}

/** Sets one integer. */
export function change(problem: ChannelProblem, { q, reach, ledger }: Integers, k: number, value: number): void {
  addRow(reach, problem.hessian, k * q.length, value - q[k]!);
  ledger.book(k, q[k]!, value);
  q[k] = value;
}

function addRow(sum: Float64Array, rows: Float64Array, at: number, factor: number): void {
  for (let j = 0; j < sum.length; j++) sum[j]! += rows[at + j]! * factor;
}

/** E[(t − s·qᵀx)²] around the means. */
export function squaredErrorOf(problem: ChannelProblem, integers: Integers, scale: number): number {
  const { own, cross } = productsOf(problem, integers);
  return problem.power + scale * (scale * own - 2 * cross);
}

/** The scale with the least error for the integers as they are; undefined where none helps. */
export function bestScale(problem: ChannelProblem, integers: Integers): number | undefined {
  const { own, cross } = productsOf(problem, integers);
  return cross > 0 && own > 0 ? cross / own : undefined;
}

/** qᵀ·H·q and qᵀ·Cov[x, t]. */
function productsOf({ wanted }: ChannelProblem, { q, reach }: Integers): { own: number; cross: number } {
  let [own, cross] = [0, 0];
  for (let k = 0; k < q.length; k++) {
    own += q[k]! * reach[k]!;
    cross += q[k]! * wanted[k]!;
  }
  return { own, cross };
}
