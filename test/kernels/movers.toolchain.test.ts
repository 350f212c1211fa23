import type { Op, Pair, ResizeOp, Shape } from '../../src/graph/types.ts';
import { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { withBorders } from '../plan/random-graph.ts';
import { casesOf, channelCounts, checkCases, maxPool, type Operator, type Unnamed } from './one-operator.ts';

/** Operators that move values, or a few of them into one. */

const part = (starts: number[], steps: number[], sizes: number[]): Op => ({ kind: 'slice', starts, steps, sizes });
const resize = (mode: ResizeOp['mode'], size: Pair, transform: ResizeOp['transform'] = 'half_pixel'): Op => ({
  kind: 'resize',
  mode,
  transform,
  rounding: 'floor',
  scales: [Math.fround(size[0] / 4), Math.fround(size[1] / 3)],
  size,
});

const rearranged: readonly Operator[] = [
  ...channelCounts.map((c): Operator => ({ shapes: [[1, 3, 4, c]], op: { kind: 'transpose', perm: [0, 2, 1, 3] } })),
  ...channelCounts.map((c): Operator => {
    return { shapes: [[1, 3, 2, c]], op: { kind: 'pad', pads: [0, 1, 0, 2, 0, 0, 2, 1], value: -1 } };
  }),
  { shapes: [[1, 3, 4, 6]], op: { kind: 'transpose', perm: [0, 3, 1, 2] } },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'transpose', perm: [0, 3, 2, 1] } },
  { shapes: [[4, 3, 5]], op: { kind: 'transpose', perm: [2, 0, 1] } },
  { shapes: [[2, 3, 2, 3, 2]], op: { kind: 'transpose', perm: [4, 0, 3, 1, 2] } },
  { shapes: [[1, 2, 3, 5]], op: { kind: 'pad', pads: [0, 0, 0, 1, 0, 0, 1, 2], value: 100 } },
  {
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    op: { kind: 'concat', axis: 1 },
  },
  {
    shapes: [
      [2, 2, 3],
      [5, 2, 3],
    ],
    op: { kind: 'concat', axis: 0 },
  },
  ...[1, 15, 16, 17].flatMap((c): Operator[] => [
    { shapes: [[1, 4, 6, c]], op: { kind: 'spaceToDepth', block: 2 } },
    { shapes: [[1, 2, 3, 4 * c]], op: { kind: 'depthToSpace', block: 2, mode: 'DCR' } },
    { shapes: [[1, 2, 3, 4 * c]], op: { kind: 'depthToSpace', block: 2, mode: 'CRD' } },
  ]),
];

const slices: readonly Operator[] = [
  ...[1, 15, 16, 17].flatMap((c): Operator[] => [
    { shapes: [[1, 5, 6, c + 3]], op: part([0, 1, 0, 2], [1, 2, 1, 1], [1, 2, 4, c]) },
    { shapes: [[1, 5, 6, c]], op: part([0, 4, 5, 0], [1, -1, -2, 1], [1, 5, 3, c]) },
  ]),
  { shapes: [[1, 3, 4, 9]], op: part([0, 0, 0, 8], [1, 1, 1, -1], [1, 3, 4, 9]) },
  { shapes: [[6, 35]], op: part([1, 3], [2, 1], [2, 17]) },
];

const resizes: readonly Operator[] = [
  ...[1, 17, 32].flatMap((c): Operator[] => [
    { shapes: [[1, 4, 3, c]], op: resize('nearest', [8, 6]) },
    { shapes: [[1, 4, 3, c]], op: resize('linear', [8, 6]) },
    { shapes: [[1, 4, 3, c]], op: resize('linear', [3, 10], 'align_corners') },
  ]),
  { shapes: [[1, 4, 3, 5]], op: resize('nearest', [3, 2], 'asymmetric') },
];

/** A copied reshape: a border parts the rows of input, output or both. */
function reshaped(from: Shape, to: Shape): Unnamed {
  const b = new QuantizedGraphBuilder('reshaped');
  const x = b.input(from);
  b.output(b.node(maxPool({ kernel: [1, 1], strides: [1, 1] }), [x]));
  b.output(b.node(maxPool({ kernel: [1, 1], strides: [1, 1] }), [b.node({ kind: 'reshape', shape: to }, [x])]));
  const graph = b.build();
  return { graph, selections: withBorders(graph, [1, 1, 1, 1]) };
}

checkCases([
  ...casesOf([...rearranged, ...slices, ...resizes]),
  reshaped([1, 4, 3, 2], [1, 2, 6, 2]),
  reshaped([1, 4, 3, 2], [1, 3, 4, 2]),
  reshaped([1, 6, 3, 2], [1, 4, 3, 3]),
  reshaped([1, 1, 6, 4], [1, 6, 2, 2]),
]);
