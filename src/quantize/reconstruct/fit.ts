import { bestScale, type ChannelProblem, type Integers, integersOf, squaredErrorOf } from './channel.ts';
import { solveUpper } from './cholesky.ts';
import { descend, exchange } from './descent.ts';
import { type FeedbackFactor, roundWithFeedback } from './feedback.ts';

/** Integers and a scale for one channel, and the error that they leave. */
export interface ChannelFit {
  readonly q: Int8Array;
  readonly scale: number;
  readonly error: number;
}

/** How to look for them. */
export interface FitMethod {
  /** Improves what the start gives, one integer at a time. */
  readonly descent: boolean;
  /** Starts from weights rounded with error feedback; without it from no weights. */
  readonly feedback: FeedbackFactor | undefined;
}

/** The price of a step falls by this from one descent to the next, down to a thousandth of the first. */
const PRICE_DECAY = 0.7;
const PRICE_RANGE = 1e-3;
const REFITS = 3;
const DESCENT_ROUNDS = 8;
const EXCHANGES = 200;

/**
 * @param start integers that keep the budget: the result is no worse
 * @param snap the nearest scale that the channel can have
 */
export function fitChannel(
  problem: ChannelProblem,
  start: Omit<ChannelFit, 'error'>,
  method: FitMethod,
  snap: (scale: number) => number,
): ChannelFit {
  const rounded = { ...start, error: squaredErrorOf(problem, integersOf(problem, start.q), start.scale) };
  const target = method.feedback && solveUpper(method.feedback.upper, problem.length, problem.wanted);
  const scale = snap(start.scale);
  const integers =
    method.feedback !== undefined && target !== undefined
      ? integersOf(problem, roundWithFeedback(problem, method.feedback, target, scale))
      : alongPath(problem, scale);
  const fit = method.descent ? polish(problem, integers, scale, snap) : refitted(problem, integers, scale, snap);
  return fit.error < rounded.error ? fit : rounded;
}

/** From no weights at all: steps get cheaper and cheaper, so those that help most come first (as along the lasso's path). */
function alongPath(problem: ChannelProblem, scale: number): Integers {
  const integers = integersOf(problem, new Int8Array(problem.length));
  const first = problem.wanted.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / scale;
  for (let price = first; price > first * PRICE_RANGE; price *= PRICE_DECAY) {
    descend(problem, integers, { scale, price, rounds: 2 });
  }
  return integers;
}

/** Integers and scale in turns, until neither improves. */
export function polish(
  problem: ChannelProblem,
  integers: Integers,
  from: number,
  snap: (scale: number) => number,
): ChannelFit {
  let scale = from;
  let best: ChannelFit = { q: integers.q.slice(), scale, error: squaredErrorOf(problem, integers, scale) };
  for (let i = 0; i < REFITS; i++) {
    descend(problem, integers, { scale, rounds: DESCENT_ROUNDS });
    exchange(problem, integers, scale, EXCHANGES);
    const fit = refitted(problem, integers, scale, snap);
    if (fit.error >= best.error * (1 - 1e-6)) break;
    best = fit;
    scale = fit.scale;
  }
  return best;
}

/** The integers as they are, with the best scale. */
export function refitted(
  problem: ChannelProblem,
  integers: Integers,
  from: number,
  snap: (scale: number) => number,
): ChannelFit {
  const scale = snap(bestScale(problem, integers) ?? from);
  return { q: integers.q.slice(), scale, error: squaredErrorOf(problem, integers, scale) };
}
