import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/types.ts';
import { convPairs, fullyConnectedPairs } from '../../src/kernels/baseline-pairs.ts';
import { convWiden, fullyConnectedWiden } from '../../src/kernels/baseline-widen.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import type { Selections } from '../../src/kernels/select.ts';
import { armv7Neon } from '../../src/targets/armv7-neon.ts';
import { runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph, denseGraph } from '../helpers/reductions.ts';

const same = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;

const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: { height: 1, width: 1, channels: 1, outputs: 1 },
  tile_less_one: { height: 3, width: 3, channels: 15, outputs: 15, ...same },
  tile: { height: 4, width: 4, channels: 16, outputs: 16, ...same },
  tile_more_one: { height: 5, width: 5, channels: 17, outputs: 17, ...same },
  twice: { height: 8, width: 8, channels: 32, outputs: 32, ...same },
  first_layer: { height: 9, width: 11, channels: 3, outputs: 20, ...same },
  pointwise: { height: 6, width: 6, channels: 24, outputs: 12 },
  strided: { height: 9, width: 9, channels: 8, outputs: 4, kernel: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] },
  dilated: {
    height: 9,
    width: 9,
    channels: 8,
    outputs: 4,
    kernel: [3, 3],
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
  },
  column: { height: 20, width: 1, channels: 10, outputs: 6, kernel: [5, 1], pads: [2, 0, 2, 0] },
  grouped: { height: 5, width: 5, channels: 24, outputs: 9, groups: 3, ...same },
  clamped: { height: 4, width: 4, channels: 16, outputs: 4, ...same, clamp: { lo: 0, hi: 6 } },
  zero_point: { height: 4, width: 4, channels: 16, outputs: 4, ...same, x: quant(0.05, 13) },
  shift: { height: 4, width: 4, channels: 16, outputs: 6, ...same, x: quant(2 ** -4, 0), largest: 7, requant: 'shift' },
  float32: { height: 4, width: 4, channels: 16, outputs: 6, ...same, requant: 'float32' },
  real_bias: { height: 4, width: 4, channels: 16, outputs: 6, ...same, requant: 'float32', realBias: true },
};

const graphs: readonly (readonly [string, Graph])[] = [
  ...Object.entries(convolutions).map(([name, c]) => [name, convGraph(name, c)] as const),
  ['dense', denseGraph('dense', 1, 100, 10)],
  ['dense_rows', denseGraph('dense_rows', 5, 33, 19)],
  ['dense_long', denseGraph('dense_long', 1, 512, 6)],
];

function forced(graph: Graph, kernels: readonly Kernel[]): Selections {
  return new Map(graph.nodes.map((node) => [node.id, kernels.find((kernel) => kernel.op === node.op.kind)!]));
}

const tables = {
  pairs: [convPairs, fullyConnectedPairs] as readonly Kernel[],
  widen: [convWiden, fullyConnectedWiden] as readonly Kernel[],
};

/** What `bench` compares with, on AArch64. */
const measured = toolchains.filter(({ target }) => target !== armv7Neon);

describe.each(measured)('32-bit baselines, $name', (toolchain) => {
  it.each(['pairs', 'widen'] as const)('%s gives the bytes of the reference', async (baseline) => {
    const cases = graphs.map(([name, graph]) => ({ name, graph, selections: forced(graph, tables[baseline]) }));
    expect(await runCases(cases, toolchain)).toBe('');
  });
});
