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
  const { wanted, hessian, length } = problem;
  const { q, reach, ledger } = integers;
  for (let round = 0; round < rounds; round++) {
    let changes = 0;
    for (let k = 0; k < length; k++) {
      const curvature = hessian[k * length + k]!;
      if (curvature <= 0) continue;
      const old = q[k]!;
      const best = old + (wanted[k]! / scale - reach[k]!) / curvature;
      const size = Math.abs(best) - price / curvature;
      if (size < 0.5 && old === 0) continue;
      const magnitude = Math.floor(Math.min(ledger.room(k, old, best < 0), Math.max(0, size)) + 0.5);
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
  for (let a = 0; a < problem.accumulatorCount; a++) {
    if (!integers.ledger.isFull(a)) continue;
    const members = Int32Array.from(problem.accumulators.keys()).filter((k) => problem.accumulators[k] === a);
    for (let move = 0; move < moves; move++) if (!exchangeOnce(problem, integers, scale, members)) break;
  }
}

/** Steps to take away that are tried, those that are missed least first, before an accumulator counts as settled. */
const TRIED = 64;

/** One step taken from where it is missed little, put where it helps most: the first such pair that pays. */
function exchangeOnce(problem: ChannelProblem, integers: Integers, scale: number, members: Int32Array): boolean {
  const { q } = integers;
  for (const { from, loss } of stepsToTake(problem, integers, scale, members)) {
    const without = q[from]! - Math.sign(q[from]!);
    integers.ledger.book(from, q[from]!, without);
    const to = placeToGive(problem, integers, scale, members, { from, loss });
    integers.ledger.book(from, without, q[from]!);
    if (to === undefined) continue;
    change(problem, integers, from, without);
    change(problem, integers, to.at, q[to.at]! + to.sign);
    return true;
  }
  return false;
}

interface Taken {
  readonly from: number;
  /** What the squared error rises by without that step, in units of scale². */
  readonly loss: number;
}

function stepsToTake(
  { wanted, hessian, length }: ChannelProblem,
  { q, reach }: Integers,
  scale: number,
  members: Int32Array,
): Taken[] {
  const steps: Taken[] = [];
  for (const k of members) {
    if (q[k] === 0) continue;
    const g = wanted[k]! / scale - reach[k]!;
    steps.push({ from: k, loss: hessian[k * length + k]! + 2 * (q[k]! > 0 ? g : -g) });
  }
  return steps.sort((s, t) => s.loss - t.loss).slice(0, TRIED);
}

/** Where the step helps most once it is taken away, as it is in the ledger; undefined where it helps less than it is missed. */
function placeToGive(
  { wanted, hessian, length, limit }: ChannelProblem,
  { q, reach, ledger }: Integers,
  scale: number,
  members: Int32Array,
  { from, loss }: Taken,
): { at: number; sign: number } | undefined {
  const taken = Math.sign(q[from]!);
  let [at, sign, most] = [-1, 0, loss + 1e-9 * Math.abs(loss)];
  for (const k of members) {
    if (k === from || Math.abs(q[k]!) >= limit) continue;
    const g = wanted[k]! / scale - reach[k]! + taken * hessian[from * length + k]!;
    const direction = q[k] === 0 ? (g < 0 ? -1 : 1) : Math.sign(q[k]!);
    const gain = 2 * direction * g - hessian[k * length + k]!;
    const isBest = gain > most && ledger.room(k, q[k]!, direction < 0) > Math.abs(q[k]!);
    if (isBest) [at, sign, most] = [k, direction, gain];
  }
  return at < 0 ? undefined : { at, sign };
}
