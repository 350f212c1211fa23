import type { DiffuseOp, QuantParams } from '../../src/graph/types.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { randomCarries } from '../helpers/carries.ts';
import { narrowGrid } from '../helpers/quantized-graph.ts';
import { casesOf, channelCounts, checkCases, type Operator } from './one-operator.ts';

function diffused(
  shape: readonly [number, number, number],
  narrow: QuantParams,
  extra: Omit<DiffuseOp, 'kind'> = {},
): Operator {
  return { shapes: [[1, ...shape]], op: { kind: 'diffuse', ...extra }, input: wideGrid(narrow), output: narrow };
}

/** Channels, and what they may add up to: of 7 steps each, sums that nearly every pixel would exceed, about half of them, and few. */
const sums = [1, 3, 16, 17, 20, 33, 40].flatMap((c) => [1, 2 * c, 4 * c, 5 * c + 4].map((sum) => [c, sum] as const));

checkCases(
  casesOf([
    ...channelCounts.map((c) => diffused([4, 3, c], narrowGrid(7))),
    ...channelCounts.map((c) => diffused([3, 5, c], narrowGrid(12))),
    ...[1, 2, 3, 4, 5, 9, 22, 31, 63, 127].map((steps) => diffused([5, 4, 20], narrowGrid(steps))),
    ...[3, 6].map((steps) => diffused([4, 4, 16], narrowGrid(steps, 2))),
    ...[17, 32, 40, 64].map((c) => diffused([4, 3, c], narrowGrid(7), { carries: randomCarries(c, 4) })),
    ...[1, 7].map((shift) => diffused([3, 3, 33], narrowGrid(12, 3), { carries: randomCarries(33, shift) })),
    ...sums.map(([c, pixelSum]) => diffused([4, 3, c], narrowGrid(7), { pixelSum })),
    ...sums
      .filter(([c]) => c > 16)
      .map(([c, pixelSum]) => diffused([3, 4, c], narrowGrid(7), { carries: randomCarries(c, 4), pixelSum })),
    ...[1, 60, 127].map((steps) => diffused([3, 3, 40], narrowGrid(steps), { pixelSum: 15 * steps })),
    diffused([1, 1, 24], narrowGrid(3)),
    diffused([1, 7, 3], narrowGrid(2)),
    diffused([7, 1, 3], narrowGrid(2)),
  ]),
);
