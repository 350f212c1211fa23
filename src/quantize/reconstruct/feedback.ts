import { stepsAtEnd } from '../../proof/pixel-sums.ts';
import { ledgerOf } from '../weights/ledger.ts';
import type { ChannelProblem } from './channel.ts';
import { upperFactor } from './cholesky.ts';

/** What error feedback needs of a group's second moments, once for all of its channels. */
export interface FeedbackFactor {
  /** V of H = V·Vᵀ, upper triangular. */
  readonly upper: Float64Array;
  /** Vᵀ: row k holds V[0…k][k]. */
  readonly transposed: Float64Array;
}

/** Far below the ridge that the moments have already. */
const LEAST_PIVOT = 1e-9;

export function feedbackFactor(hessian: Float64Array, length: number): FeedbackFactor {
  const upper = upperFactor(hessian, length, LEAST_PIVOT);
  const transposed = new Float64Array(upper.length);
  for (let i = 0; i < length; i++) for (let k = i; k < length; k++) transposed[k * length + i] = upper[i * length + k]!;
  return { upper, transposed };
}

/**
 * Rounds one weight after the other; each makes up for the errors of those before it, clamping included, as far as its
 * accumulator's budget still allows: GPTQ's order and feedback with AXE's clamp to what is left (Colbert et al. 2024).
 */
export function roundWithFeedback(
  problem: ChannelProblem,
  factor: FeedbackFactor,
  target: Float64Array,
  scale: number,
): Int8Array {
  const { length } = problem;
  const threshold = softThreshold(problem, target, scale);
  const q = new Int8Array(length);
  const errors = new Float64Array(length);
  const ledger = ledgerOf(problem);
  const rows = factor.transposed;
  for (let k = 0; k < length; k++) {
    let due = 0;
    for (let i = 0; i < k; i++) due += errors[i]! * rows[k * length + i]!;
    const value = target[k]! + due / rows[k * length + k]!;
    const most = ledger.room(k, 0, value < 0);
    const magnitude = Math.floor(Math.min(most, Math.max(0, Math.abs(value) / scale - threshold)) + 0.5);
    q[k] = value < 0 ? -magnitude : magnitude;
    ledger.book(k, 0, q[k]!);
    errors[k] = target[k]! - scale * q[k]!;
  }
  return q;
}

/** What to take off every magnitude, in steps, so that the real weights keep the budgets: a projection, as AXE does. */
function softThreshold(
  { accumulators, accumulatorCount, budget, pixels }: ChannelProblem,
  target: Float64Array,
  scale: number,
) {
  // The order of magnitudes stays, and with it what each of them costs: it reaches one of the ends.
  const [up, down] = ([1, -1] as const).map(
    (end) => pixels && stepsAtEnd(accumulators, target, pixels.steps, pixels, end),
  );
  const most = pixels === undefined ? budget : pixels.extent;
  const sums = new Float64Array(accumulatorCount);
  const fits = (threshold: number) => {
    sums.fill(0);
    for (let k = 0; k < target.length; k++) {
      const left = Math.max(0, Math.abs(target[k]!) / scale - threshold);
      sums[accumulators[k]!]! += up && down ? left * (up[k]! + down[k]!) : left;
    }
    return sums.every((sum) => sum <= most);
  };
  if (fits(0)) return 0;
  let [low, high] = [0, target.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / scale];
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}
