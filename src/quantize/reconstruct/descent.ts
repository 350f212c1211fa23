import { type ChannelProblem, change, type Integers } from './channel.ts';

/**
 * Coordinate descent: each integer in turn becomes the best one, given all others, where each step costs `price` and its
 * accumulator has room. Ends when a round changes nothing.
 * @param integers changed in place
 * @param price in units of the error divided by 2·scale²
 */
export function descend(
  problem: ChannelProblem,
  integers: Integers,
  { scale, price = 0, rounds }: { scale: number; price?: number; rounds: number },
): void {
  const { wanted, accumulators, budget, limit, hessian, length } = problem;
  const { q, reach, spent } = integers;
  for (let round = 0; round < rounds; round++) {
    let changes = 0;
    for (let k = 0; k < length; k++) {
      const curvature = hessian[k * length + k]!;
      if (curvature <= 0) continue;
      const old = q[k]!;
      const best = old + (wanted[k]! / scale - reach[k]!) / curvature;
      const size = Math.abs(best) - price / curvature;
      if (size < 0.5 && old === 0) continue;
      const room = Math.max(Math.abs(old), Math.min(limit, Math.abs(old) + budget - spent[accumulators[k]!]!));
      const magnitude = Math.floor(Math.min(room, Math.max(0, size)) + 0.5);
      const next = best < 0 ? -magnitude : magnitude;
      if (next === old) continue;
      changes++;
      change(problem, integers, k, next);
    }
    if (changes === 0) return;
  }
}

/**
 * Moves single steps of weights between products of one accumulator that has no room left, as long as the error falls:
 * what single changes cannot do once the budget binds.
 */
export function exchange(problem: ChannelProblem, integers: Integers, scale: number, moves: number): void {
  const { accumulatorCount } = problem;
  for (let a = 0; a < accumulatorCount; a++) {
    const members = accumulatorCount === 1 ? undefined : membersOf(problem, a);
    for (let move = 0; move < moves; move++) if (!exchangeOnce(problem, integers, scale, a, members)) break;
  }
}

function membersOf({ accumulators, length }: ChannelProblem, a: number): number[] {
  return Array.from({ length }, (_, k) => k).filter((k) => accumulators[k] === a);
}

/** One step taken from where it is missed least, put where it helps most; undone where that does not pay. */
function exchangeOnce(
  problem: ChannelProblem,
  integers: Integers,
  scale: number,
  a: number,
  members: readonly number[] | undefined,
): boolean {
  const { wanted, hessian, length, budget, limit } = problem;
  const { q, reach, spent } = integers;
  if (spent[a]! < budget) return false;
  let [from, loss] = [-1, Infinity];
  const count = members?.length ?? length;
  for (let i = 0; i < count; i++) {
    const k = members === undefined ? i : members[i]!;
    if (q[k] === 0) continue;
    const g = wanted[k]! / scale - reach[k]!;
    const rise = hessian[k * length + k]! + 2 * (q[k]! > 0 ? g : -g);
    if (rise < loss) [from, loss] = [k, rise];
  }
  if (from < 0) return false;
  const kept = q[from]!;
  change(problem, integers, from, kept - Math.sign(kept));
  let [to, gain, sign] = [-1, loss + 1e-9 * Math.abs(loss), 0];
  for (let i = 0; i < count; i++) {
    const k = members === undefined ? i : members[i]!;
    const g = wanted[k]! / scale - reach[k]!;
    const direction = q[k] === 0 ? (g < 0 ? -1 : 1) : Math.sign(q[k]!);
    if (Math.abs(q[k]!) >= limit) continue;
    const fall = 2 * direction * g - hessian[k * length + k]!;
    if (fall > gain) [to, gain, sign] = [k, fall, direction];
  }
  if (to < 0 || to === from) {
    change(problem, integers, from, kept);
    return false;
  }
  change(problem, integers, to, q[to]! + sign);
  return true;
}
