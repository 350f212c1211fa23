import type { ChannelCarries, QuantParams } from '../../src/graph/types.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { randomCarries } from '../helpers/carries.ts';
import { narrowGrid } from '../helpers/quantized-graph.ts';
import { casesOf, channelCounts, checkCases, type Operator } from './one-operator.ts';

function diffused(
  shape: readonly [number, number, number],
  narrow: QuantParams,
  carries?: ChannelCarries | undefined,
): Operator {
  const op = { kind: 'diffuse', ...(carries && { carries }) } as const;
  return { shapes: [[1, ...shape]], op, input: wideGrid(narrow), output: narrow };
}

checkCases(
  casesOf([
    ...channelCounts.map((c) => diffused([4, 3, c], narrowGrid(7))),
    ...channelCounts.map((c) => diffused([3, 5, c], narrowGrid(12))),
    ...[1, 2, 3, 4, 5, 9, 22, 31, 63, 127].map((steps) => diffused([5, 4, 20], narrowGrid(steps))),
    ...[3, 6].map((steps) => diffused([4, 4, 16], narrowGrid(steps, 2))),
    ...[17, 32, 40, 64].map((c) => diffused([4, 3, c], narrowGrid(7), randomCarries(c, 4))),
    ...[1, 7].map((shift) => diffused([3, 3, 33], narrowGrid(12, 3), randomCarries(33, shift))),
    diffused([1, 1, 24], narrowGrid(3)),
    diffused([1, 7, 3], narrowGrid(2)),
    diffused([7, 1, 3], narrowGrid(2)),
  ]),
);
