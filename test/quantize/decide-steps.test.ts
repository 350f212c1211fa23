import { describe, expect, it } from 'vitest';
import { rangeOfSteps } from '../../src/quantize/clipping.ts';
import { type Candidate, decideAlone, decideTogether, type GroupCandidates } from '../../src/quantize/decide-steps.ts';

function candidate(steps: number, noise: number, flushes = 0): Candidate {
  const quant = { scale: [1], zeroPoint: 0, ...rangeOfSteps(steps) };
  return { choice: { quant, noise: 0 }, segments: new Map(), flushes, noise };
}

function group(candidates: readonly Candidate[], shares = true, limit = 0): GroupCandidates {
  return { candidates, tried: candidates.length, limit, shares };
}

const stepsOf = ({ best: { choice } }: { best: Candidate }) => choice.quant.qmax - choice.quant.qmin;

describe('decideAlone', () => {
  const many = [candidate(15, 0.01, 40), candidate(7, 0.02, 10), candidate(6, 0.015, 10), candidate(3, 0.2, 0)];

  it('takes the fewest flushes among what is acceptable, then the least noise', () => {
    expect(stepsOf(decideAlone(group(many, false, 0.05)))).toBe(6);
    expect(decideAlone(group(many, false, 0.05)).why).toMatch(/^fewest flushes/);
    expect(stepsOf(decideAlone(group(many, false, 1)))).toBe(3);
  });

  it('takes the least noise where nothing is acceptable', () => {
    expect(stepsOf(decideAlone(group(many, false, 0.001)))).toBe(15);
  });

  it('says that a width was asked for', () => {
    expect(decideAlone(group([candidate(7, 1)], false)).why).toBe('width as asked for');
  });
});

describe('decideTogether', () => {
  it('takes the steps with the least noise in all groups that share, and leaves the others alone', () => {
    const first = group([candidate(7, 0.1), candidate(4, 0.2), candidate(3, 0.5)]);
    const second = group([candidate(7, 0.6), candidate(4, 0.2), candidate(3, 0.1)]);
    const input = group([candidate(31, 0.01), candidate(7, 0.3)], false);
    const decided = decideTogether([input, first, second]);
    expect([...decided.keys()]).toEqual([first, second]);
    expect([...decided.values()].map(stepsOf)).toEqual([4, 4]);
  });

  it('takes only what fits all of them', () => {
    const first = group([candidate(7, 0.1), candidate(3, 0.5)]);
    const second = group([candidate(3, 0.9)]);
    expect([...decideTogether([first, second]).values()].map(stepsOf)).toEqual([3, 3]);
  });

  it('decides nothing where no number of steps fits all of them', () => {
    const decided = decideTogether([group([candidate(7, 0.1)]), group([candidate(3, 0.1)])]);
    expect(decided.size).toBe(0);
  });
});
