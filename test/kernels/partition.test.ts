import { describe, expect, it } from 'vitest';
import type { ReductionNode } from '../../src/kernels/k-lanes/geometry.ts';
import { partitionsOf, type RowWalk, segmentEnds } from '../../src/kernels/k-lanes/partition.ts';
import { prepare } from '../../src/kernels/k-lanes/prepare.ts';
import { walkOf } from '../../src/kernels/k-lanes/walk.ts';
import { bundleOf } from '../helpers/compile-and-run.ts';
import { type ConvCase, convGraph } from '../helpers/reductions.ts';

const rows = (count: number, runLength: number): RowWalk => ({
  ...walkOf(count * runLength, runLength),
  runsPerRow: 1,
});
const courseOf = (c: ConvCase) => {
  const graph = convGraph('c', c);
  return prepare(graph.nodes[0] as ReductionNode, graph);
};
const conv = (channels: number, largest: number, more: Partial<ConvCase> = {}): ConvCase => ({
  height: 5,
  width: 5,
  outputs: 4,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
  channels,
  largest,
  ...more,
});

describe('partitions', () => {
  it('go from no flush to one after every step', () => {
    const all = partitionsOf(rows(3, 80));
    expect(all.map((p) => segmentEnds(rows(3, 80), p))).toEqual([
      [15],
      [10, 15],
      [5, 10, 15],
      [3, 5, 8, 10, 13, 15],
      [2, 4, 5, 7, 9, 10, 12, 14, 15],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    ]);
  });

  it('have rows of several runs flushed together', () => {
    const walk = { ...walkOf(9 * 32, 32), runsPerRow: 3 };
    const ends = partitionsOf(walk).map((p) => segmentEnds(walk, p).length);
    expect(ends).toEqual([1, 2, 3, 9, 18]);
  });

  it('are as coarse as the weights allow', () => {
    expect(courseOf(conv(16, 10)).partition.kind).toBe('whole');
    expect(courseOf(conv(16, 25)).partition).toEqual({ kind: 'rows', rows: 2 });
    expect(courseOf(conv(32, 63)).partition).toEqual({ kind: 'pieces', steps: 2 });
    expect(courseOf(conv(32, 35, { outputs: 8, groups: 2 })).partition.kind).toBe('rows');
  });

  it('have lanes start elsewhere only where they must', () => {
    expect(courseOf(conv(32, 63)).preloaded).toBe(false);
    expect(courseOf(conv(32, 127, { weights: () => -128 })).preloaded).toBe(true);
  });
});

it('tiles lie in line where rectangles would waste more', () => {
  const text = (c: ConvCase) =>
    bundleOf({ name: 'c', graph: convGraph('c', c) }).files.find((f) => f.path === 'src/c.c');
  expect(text(conv(32, 5, { height: 7, width: 7 }))?.contents).toContain('4 pixels in line at a time');
  expect(text(conv(32, 5, { height: 8, width: 8 }))?.contents).toContain('1x4 pixels at a time');
  expect(text(conv(32, 127))?.contents).toContain('3 pixels in line at a time');
});
