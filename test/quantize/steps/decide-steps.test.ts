import { describe, expect, it } from 'vitest';
import { rangeOfSteps } from '../../../src/quantize/steps/clipping.ts';
import { type Candidate, decideSteps, type GroupCandidates } from '../../../src/quantize/steps/decide-steps.ts';

function candidate(steps: number, noise: number, flushes = 0): Candidate {
  const quant = { scale: [1], zeroPoint: 0, ...rangeOfSteps(steps) };
  return { choice: { quant, noise: 0 }, segments: new Map(), flushes, noise };
}

function group(candidates: readonly Candidate[], limit = 0): GroupCandidates {
  return { candidates, tried: candidates.length, limit };
}

const stepsOf = ({ best: { choice } }: { best: Candidate }) => choice.quant.qmax - choice.quant.qmin;

describe('decideSteps', () => {
  const many = [candidate(15, 0.01, 40), candidate(7, 0.02, 10), candidate(6, 0.015, 10), candidate(3, 0.2, 0)];

  it('takes the fewest flushes among what is acceptable, then the least noise', () => {
    expect(stepsOf(decideSteps(group(many, 0.05)))).toBe(6);
    expect(decideSteps(group(many, 0.05)).why).toMatch(/^fewest flushes/);
    expect(stepsOf(decideSteps(group(many, 1)))).toBe(3);
  });

  it('takes the least noise where nothing is acceptable', () => {
    expect(stepsOf(decideSteps(group(many, 0.001)))).toBe(15);
  });

  it('says that a width was asked for', () => {
    expect(decideSteps(group([candidate(7, 1)])).why).toBe('width as asked for');
  });
});
