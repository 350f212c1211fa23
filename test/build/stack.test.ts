import { describe, expect, it } from 'vitest';
import { stackDepth } from '../../src/build/stack.ts';

const source = `
/* net_3 is not called by net_big(1); */
static void net_1(int8_t *restrict y)
{
  net_helper(y);
}

static void net_2(
    int8_t *restrict y)
{
  *y = 0;
}

int net_run(void)
{
  net_1(a);
  net_2(a);
  return 0;
}
`;
const su = (frames: Record<string, number>): string =>
  Object.entries(frames)
    .map(([name, bytes], i) => `src/net.c:${i + 1}:5:${name}\t${bytes}\tstatic\n`)
    .join('');

describe('stackDepth', () => {
  it('is that of the deepest chain of calls', () => {
    const usage = su({ net_helper: 100, net_1: 16, net_2: 64, net_run: 48 });
    expect(stackDepth([usage], [source])).toBe(48 + 16 + 100);
    expect(stackDepth([su({ net_1: 16, net_2: 640, net_run: 48 })], [source])).toBe(48 + 640);
  });

  it('adds what a compiler has split off to its function', () => {
    expect(stackDepth([su({ 'net_2.part.0': 32, net_2: 64, net_run: 48 })], [source])).toBe(48 + 64 + 32);
  });

  it('counts functions that nothing calls, and none for none', () => {
    expect(stackDepth([su({ net_run: 48, net_other: 900 })], [source])).toBe(900);
    expect(stackDepth([''], [source])).toBe(0);
  });
});
