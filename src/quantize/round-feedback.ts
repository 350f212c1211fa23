import type { Moments } from './moments.ts';

/** One output channel's problem: integers q and a scale s that make E[(y − s·qᵀx)²] small, within the budgets. */
export interface ChannelProblem {
  readonly moments: Moments;
  /** E[x·y] of the channel, and its E[y²]. */
  readonly wanted: Float64Array;
  readonly power: number;
  /** For each product the accumulator that sums it. */
  readonly accumulators: Int32Array;
  /** Σ|q| that each accumulator may have. */
  readonly budget: number;
  /** The largest |q|. */
  readonly limit: number;
}

/** The error of integers and a scale: E[(y − s·qᵀx)²]. `reach` is H·q. */
export function outputError(
  { wanted, power }: ChannelProblem,
  q: Int8Array,
  scale: number,
  reach: Float64Array,
): number {
  let [qq, qy] = [0, 0];
  for (let k = 0; k < q.length; k++) {
    qq += q[k]! * reach[k]!;
    qy += q[k]! * wanted[k]!;
  }
  return power + scale * (scale * qq - 2 * qy);
}

/** The best scale for the integers as they are; undefined where none helps. */
export function bestScale({ wanted }: ChannelProblem, q: Int8Array, reach: Float64Array): number | undefined {
  let [qq, qy] = [0, 0];
  for (let k = 0; k < q.length; k++) {
    qq += q[k]! * reach[k]!;
    qy += q[k]! * wanted[k]!;
  }
  return qy > 0 && qq > 0 ? qy / qq : undefined;
}

/** H·q. */
export function reachOf({ moments: { hessian, length } }: ChannelProblem, q: Int8Array): Float64Array {
  const reach = new Float64Array(length);
  for (let k = 0; k < length; k++) if (q[k] !== 0) addRow(reach, hessian, k * length, q[k]!);
  return reach;
}

function addRow(sum: Float64Array, rows: Float64Array, at: number, factor: number): void {
  for (let j = 0; j < sum.length; j++) sum[j]! += rows[at + j]! * factor;
}

export interface FeedbackOptions {
  /** Subtracted from every magnitude before it is rounded. */
  readonly threshold: number;
  /** True propagates the whole error, of threshold and clamp too; false that of rounding only. */
  readonly wholeError: boolean;
}

/**
 * Rounds one weight after the other; each makes up for the errors of those before it, as far as its accumulator's budget
 * still allows (GPTQ's order and feedback, AXE's threshold and clamp).
 * @param target real weights
 * @param factor V of H = V·Vᵀ, transposed: row k holds V[0…k][k]
 */
export function roundWithFeedback(
  problem: ChannelProblem,
  target: Float64Array,
  factor: Float64Array,
  scale: number,
  { threshold, wholeError }: FeedbackOptions,
): Int8Array {
  const n = target.length;
  const q = new Int8Array(n);
  const errors = new Float64Array(n);
  const left = new Map<number, number>();
  for (let k = 0; k < n; k++) {
    let due = 0;
    for (let i = 0; i < k; i++) due += errors[i]! * factor[k * n + i]!;
    const value = target[k]! + due / factor[k * n + k]!;
    const room = left.get(problem.accumulators[k]!) ?? problem.budget;
    const shrunk = Math.min(Math.max(0, Math.abs(value) - threshold) / scale, problem.limit, room);
    const magnitude = Math.floor(shrunk + 0.5);
    q[k] = value < 0 ? -magnitude : magnitude;
    left.set(problem.accumulators[k]!, room - magnitude);
    // What the output lacks now, seen from here on.
    errors[k] = wholeError ? target[k]! - scale * q[k]! : Math.sign(value) * scale * (shrunk - magnitude);
  }
  return q;
}

/**
 * Coordinate descent: each integer in turn becomes the best one, given all others, where a step of it costs `price` and
 * its accumulator has room. Ends when a round changes nothing.
 * @param q, reach changed in place; reach is H·q
 */
export function descend(
  problem: ChannelProblem,
  q: Int8Array,
  reach: Float64Array,
  scale: number,
  price: number,
  rounds: number,
): void {
  const { moments, wanted, accumulators, budget, limit } = problem;
  const { hessian, length } = moments;
  const used = new Map<number, number>();
  for (let k = 0; k < length; k++) used.set(accumulators[k]!, (used.get(accumulators[k]!) ?? 0) + Math.abs(q[k]!));
  for (let round = 0; round < rounds; round++) {
    let changes = 0;
    for (let k = 0; k < length; k++) {
      const curvature = hessian[k * length + k]!;
      if (curvature <= 0) continue;
      const old = q[k]!;
      const best = old + (wanted[k]! / scale - reach[k]!) / curvature;
      const spent = used.get(accumulators[k]!)!;
      const room = Math.max(Math.abs(old), Math.min(limit, Math.abs(old) + budget - spent));
      const magnitude = Math.floor(Math.min(room, Math.max(0, Math.abs(best) - price / curvature)) + 0.5);
      const next = best < 0 ? -magnitude : magnitude;
      if (next === old) continue;
      changes++;
      q[k] = next;
      used.set(accumulators[k]!, spent + magnitude - Math.abs(old));
      addRow(reach, hessian, k * length, next - old);
    }
    if (changes === 0) return;
  }
}
