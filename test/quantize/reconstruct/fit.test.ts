import { describe, expect, it } from 'vitest';
import {
  type ChannelProblem,
  type Integers,
  integersOf,
  squaredErrorOf,
} from '../../../src/quantize/reconstruct/channel.ts';
import { descend, exchange } from '../../../src/quantize/reconstruct/descent.ts';
import { feedbackFactor, roundWithFeedback } from '../../../src/quantize/reconstruct/feedback.ts';
import { type FitMethod, fitChannel } from '../../../src/quantize/reconstruct/fit.ts';
import { caseOf, errorOf, feedbackOf, limitedCase } from './channel-cases.ts';

/** What each integer may still become, with either sign. */
function roomsOf({ q, ledger }: Integers): number[] {
  return Array.from(q).flatMap((v, k) => [ledger.room(k, v, false), ledger.room(k, v, true)]);
}

const descent: FitMethod = { descent: true, feedback: undefined };

function spentOf({ accumulators, accumulatorCount }: ChannelProblem, q: Int8Array): number[] {
  const spent = new Array<number>(accumulatorCount).fill(0);
  q.forEach((v, k) => {
    spent[accumulators[k]!]! += Math.abs(v);
  });
  return spent;
}

describe('fitChannel', () => {
  it.each([
    ['one accumulator', caseOf(48, 60), 0.98],
    ['8 lanes', caseOf(48, 9, 8), 0.75],
    ['a tight budget', caseOf(48, 12), 0.75],
    ['2-bit weights', caseOf(48, 40, 1, 1), 0.75],
  ])('keeps the budget and is better than rounding to nearest: %s', (_, { problem, start }, share) => {
    const fit = fitChannel(problem, start, descent, Math.fround);
    expect(Math.max(...spentOf(problem, fit.q))).toBeLessThanOrEqual(problem.budget);
    expect(fit.q.every((v) => Math.abs(v) <= problem.limit)).toBe(true);
    expect(fit.error).toBeCloseTo(errorOf(problem, fit), 9);
    expect(fit.error).toBeLessThan(share * errorOf(problem, start));
  });

  it('comes close to the best integers that there are', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { problem, start } = caseOf(5, 6, 1, 3, seed);
      const fit = fitChannel(problem, start, descent, Math.fround);
      const best = bruteForce(problem);
      expect(fit.error).toBeGreaterThanOrEqual(best - 1e-9);
      expect(fit.error).toBeLessThan(best + 0.1 * problem.power);
    }
  });

  it('takes only scales that the snap allows', () => {
    const { problem, start } = caseOf(32, 40);
    const power = (scale: number) => 2 ** Math.round(Math.log2(scale));
    const fit = fitChannel(problem, { ...start, scale: 2 ** Math.ceil(Math.log2(start.scale)) }, descent, power);
    expect(Math.log2(fit.scale)).toBe(Math.round(Math.log2(fit.scale)));
  });
});

/** All integers, each with its best scale. */
function bruteForce(problem: ChannelProblem): number {
  const { length, limit, budget, wanted, hessian, power } = problem;
  const q = new Array<number>(length).fill(0);
  let best = power;
  const visit = (k: number, left: number): void => {
    if (k === length) {
      let [own, cross] = [0, 0];
      for (let i = 0; i < length; i++) {
        cross += q[i]! * wanted[i]!;
        for (let j = 0; j < length; j++) own += q[i]! * q[j]! * hessian[i * length + j]!;
      }
      if (own > 0 && cross > 0) best = Math.min(best, power - cross ** 2 / own);
      return;
    }
    for (let v = -Math.min(limit, left); v <= Math.min(limit, left); v++) {
      q[k] = v;
      visit(k + 1, left - Math.abs(v));
    }
    q[k] = 0;
  };
  visit(0, budget);
  return best;
}

describe('descend and exchange', () => {
  it.each([
    ['4 lanes', caseOf(40, 30, 4)],
    ['limited pixels', limitedCase(40, 8, 7, 20, 511)],
  ])('never make the error larger, and keep what depends on the integers up to date: %s', (_, { problem, start }) => {
    const integers = integersOf(problem, start.q.slice());
    let before = squaredErrorOf(problem, integers, start.scale);
    for (const step of [
      () => descend(problem, integers, { scale: start.scale, rounds: 1 }),
      () => exchange(problem, integers, start.scale, 3),
      () => descend(problem, integers, { scale: start.scale, rounds: 20 }),
      () => exchange(problem, integers, start.scale, 100),
    ]) {
      step();
      const after = squaredErrorOf(problem, integers, start.scale);
      expect(after).toBeLessThanOrEqual(before + 1e-9);
      before = after;
      const fresh = integersOf(problem, integers.q);
      expect(roomsOf(integers)).toEqual(roomsOf(fresh));
      fresh.reach.forEach((r, k) => {
        expect(integers.reach[k]).toBeCloseTo(r, 9);
      });
    }
  });

  it('exchange finds what single changes cannot once the budget is spent', () => {
    const { problem } = caseOf(2, 1);
    const wrong = integersOf({ ...problem, wanted: Float64Array.of(0, 5) }, Int8Array.of(1, 0));
    const other = { ...problem, hessian: Float64Array.of(1, 0, 0, 1), wanted: Float64Array.of(0.1, 5) };
    exchange(other, wrong, 1, 10);
    expect(Array.from(wrong.q)).toEqual([0, 1]);
  });
});

describe('exchange', () => {
  it.each([1, 2, 3, 4])('ends where no move of a single step pays any more, seed %i', (seed) => {
    const { problem, start } = caseOf(40, 24, 1, 127, seed);
    const integers = integersOf(problem, start.q.slice());
    exchange(problem, integers, start.scale, 10_000);
    const error = (q: Int8Array) => squaredErrorOf(problem, integersOf(problem, q), start.scale);
    const least = error(integers.q);
    for (let from = 0; from < problem.length; from++) {
      for (let to = 0; to < problem.length; to++) {
        if (integers.q[from] === 0 || from === to) continue;
        for (const sign of integers.q[to] === 0 ? [1, -1] : [Math.sign(integers.q[to]!)]) {
          const moved = integers.q.slice();
          moved[from]! -= Math.sign(moved[from]!);
          moved[to]! += sign;
          expect(error(moved)).toBeGreaterThan(least * (1 - 1e-6));
        }
      }
    }
  });
});

describe('roundWithFeedback', () => {
  it.each([
    ['one accumulator', caseOf(48, 20)],
    ['8 lanes', caseOf(48, 9, 8)],
    ['a budget that does not bind', caseOf(48, 10_000, 1, 7)],
  ])('keeps the budget and beats rounding to nearest; descent improves on both: %s', (_, { problem, start }) => {
    const rounded = fitChannel(problem, start, feedbackOf(problem, false), Math.fround);
    const improved = fitChannel(problem, start, feedbackOf(problem, true), Math.fround);
    for (const { q } of [rounded, improved]) {
      expect(Math.max(...spentOf(problem, q))).toBeLessThanOrEqual(problem.budget);
      expect(q.every((v) => Math.abs(v) <= problem.limit)).toBe(true);
    }
    expect(rounded.error).toBeLessThan(0.9 * errorOf(problem, start));
    expect(improved.error).toBeLessThan(rounded.error);
  });

  it('rounds to nearest where operands are uncorrelated and the budget does not bind', () => {
    const n = 6;
    const hessian = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 2 : 0));
    const target = Float64Array.of(0.4, -1.6, 2.2, 0, -0.7, 3.1);
    const problem = { ...caseOf(n, 100).problem, hessian };
    const q = roundWithFeedback(problem, feedbackFactor(hessian, n), target, 1);
    expect(Array.from(q)).toEqual([0, -2, 2, 0, -1, 3]);
  });

  it('stops at the budget', () => {
    const n = 4;
    const hessian = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
    const problem = { ...caseOf(n, 100).problem, hessian, budget: 5 };
    const q = roundWithFeedback(problem, feedbackFactor(hessian, n), Float64Array.of(3, 3, 3, 3), 1);
    expect(q.reduce((sum, v) => sum + Math.abs(v), 0)).toBeLessThanOrEqual(5);
  });
});
