import { describe, expect, it } from 'vitest';
import type { Graph, Shape } from '../../src/graph/types.ts';
import { interleavingOf } from '../../src/kernels/interleave.ts';
import { bundleOf, type Case, runCases, toolchains } from '../helpers/compile-and-run.ts';
import { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';

/** A channel shuffle: channels in the order of `groups` groups to one in which they take turns. */
function transposed(shape: Shape, perm: readonly number[]): Graph {
  const b = new QuantizedGraphBuilder('shuffle');
  b.output(b.node({ kind: 'transpose', perm }, [b.input(shape)]));
  return b.build();
}

/** Around the 8 and 16 bytes of a register. */
const counts = [7, 8, 9, 15, 16, 17, 33];
const cases: readonly Case[] = [2, 3, 4, 5]
  .flatMap((groups) =>
    counts.flatMap((count) => [
      transposed([1, 3, 2, groups, count], [0, 1, 2, 4, 3]),
      transposed([1, 3, 2, count, groups], [0, 1, 2, 4, 3]),
      transposed([1, groups, 2, count], [0, 3, 2, 1]),
    ]),
  )
  .map((graph, i) => ({ name: `shuffle${i}`, graph }));

describe('interleavingOf', () => {
  it('finds two to four parts of at least eight bytes that take turns, on either side', () => {
    const shuffle = (groups: number, count: number) => [
      { count: 6, strides: [groups * count, groups * count] },
      { count, strides: [1, groups] },
      { count: groups, strides: [count, 1] },
    ];
    const [outer] = shuffle(3, 20);
    expect(interleavingOf(shuffle(3, 20))).toEqual({ outer: [outer], stores: true, parts: 3, apart: 20, count: 20 });
    const back = shuffle(3, 20).map(({ count, strides: [from, to] }) => ({ count, strides: [to!, from!] }));
    expect(interleavingOf(back)).toEqual({ outer: [outer], stores: false, parts: 3, apart: 20, count: 20 });
    expect(interleavingOf(shuffle(5, 20))).toBeUndefined();
    expect(interleavingOf(shuffle(3, 7))).toBeUndefined();
    // Every third byte of four in turns.
    expect(interleavingOf([{ count: 20, strides: [4, 1] }])).toBeUndefined();
  });
});

describe.each(toolchains)('channel shuffles, $name', (toolchain) => {
  it('move every byte to its place', async () => {
    expect(await runCases(cases, toolchain)).toBe('');
  });
});

it('stores registers in turns', () => {
  const source = (groups: number) => {
    const graph = transposed([1, 3, 2, groups, 20], [0, 1, 2, 4, 3]);
    const { files } = bundleOf({ name: 'shuffle', graph });
    return files.find(({ path }) => path === 'src/shuffle.c')?.contents;
  };
  expect(source(3)).toContain('vst3q_s8(');
  expect(source(5)).not.toContain('vst');
});
