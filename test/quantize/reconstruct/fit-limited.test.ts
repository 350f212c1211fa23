import { describe, expect, it } from 'vitest';
import { sumRanges } from '../../../src/proof/accumulator.ts';
import type { ChannelProblem } from '../../../src/quantize/reconstruct/channel.ts';
import { fitChannel } from '../../../src/quantize/reconstruct/fit.ts';
import { errorOf, feedbackOf, limitedCase } from './channel-cases.ts';

function extentOf(q: Int8Array, { pixels }: ChannelProblem): number {
  const { channels, sum, steps } = pixels!;
  const single = { bits: 16, lanes: 1, step: 1, runLength: q.length, segments: [q.length] };
  const [range] = sumRanges(single, q, { lo: 0, hi: steps, pixels: { channels, sum } });
  return range!.hi - range!.lo;
}

describe('fitting under limits on pixels', () => {
  it.each([
    [9, 60],
    [9, 100],
    [12, 60],
    [12, 100],
  ])('keeps the bound, uses most of it, and finds more than the plain budget: sum %i, extent %i', (sum, extent) => {
    const { problem, start } = limitedCase(48, 8, 7, sum, extent);
    const fit = fitChannel(problem, start, feedbackOf(problem, true), Math.fround);
    const own = extentOf(fit.q, problem);
    expect(own).toBeLessThanOrEqual(extent);
    expect(own).toBeGreaterThan(0.75 * extent);
    expect(fit.error).toBeLessThan(0.9 * errorOf(problem, start));
    const { pixels, ...plain } = problem;
    const budget = Math.floor(extent / pixels!.steps);
    const without = fitChannel(
      { ...plain, budget },
      { ...start, q: new Int8Array(48) },
      feedbackOf(plain, true),
      Math.fround,
    );
    expect(fit.error).toBeLessThan(without.error);
  });

  it('is the plain budget where a pixel may have all channels at their ends', () => {
    const { problem, start } = limitedCase(48, 8, 7, 56, 7 * 30);
    const { pixels: _, ...plain } = { ...problem, budget: 30 };
    const fits = [problem, plain].map((p) => fitChannel(p, start, feedbackOf(p, true), Math.fround));
    expect(fits[0]).toEqual(fits[1]);
  });
});
