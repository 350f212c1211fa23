import { describe, expect, it } from 'vitest';
import { kernelsFor, selectKernels } from '../../src/kernels/select.ts';
import { isReductionNode } from '../../src/proof/certify.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { cortexA72 } from '../../src/targets/cortex-a72.ts';
import type { Target } from '../../src/targets/target.ts';
import { adversaryOf } from '../../src/verify/adversarial.ts';
import { type Case, runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph, denseGraph, nibbles } from '../helpers/reductions.ts';

const same = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
const bytes = { x: nibbles, inBytes: true } as const;
const tile = { height: 4, width: 4, channels: 16, outputs: 4, ...same, ...bytes, largest: 1 } as const;

const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: { height: 1, width: 1, channels: 2, outputs: 1, ...bytes, largest: 15 },
  tile_less_one: { ...tile, height: 3, width: 3, channels: 15, outputs: 3 },
  tile,
  tile_more_one: { ...tile, height: 5, width: 5, channels: 17, outputs: 5 },
  twice: { ...tile, height: 8, width: 8, channels: 32, outputs: 8 },
  // Three flushes, within rows of the kernel and between them.
  flushes: { ...tile, height: 6, width: 6, channels: 40, outputs: 8, largest: 4 },
  flushes_odd: { ...tile, height: 5, width: 7, channels: 65, outputs: 7, largest: 3 },
  // All 8 bits of data leave a single weight of 1 to a lane: a flush after each step, and each lane is filled to its ends.
  full_range: { ...tile, x: quant(0.05, -128) },
  zero_point: { ...tile, x: quant(0.05, 13) },
  pointwise: {
    ...tile,
    height: 6,
    width: 6,
    channels: 24,
    outputs: 12,
    kernel: [1, 1],
    pads: [0, 0, 0, 0],
    largest: 5,
  },
  strided: { ...tile, height: 9, width: 9, strides: [2, 2], pads: [0, 0, 1, 1] },
  dilated: { ...tile, height: 9, width: 9, channels: 8, dilations: [2, 2], pads: [2, 2, 2, 2], largest: 2 },
  column: { ...tile, height: 20, width: 1, channels: 10, outputs: 6, kernel: [5, 1], pads: [2, 0, 2, 0] },
  grouped: { ...tile, height: 5, width: 5, channels: 24, outputs: 9, groups: 3, largest: 3 },
  clamped: { ...tile, clamp: { lo: 0, hi: 6 } },
  shift: { ...tile, x: { ...nibbles, scale: [2 ** -2] }, outputs: 6, requant: 'shift' },
  float32: { ...tile, outputs: 6, requant: 'float32' },
  real_bias: { ...tile, outputs: 6, requant: 'float32', realBias: true },
};

const dense: readonly Case[] = [
  { name: 'dense', graph: denseGraph('dense', 1, 100, 10, { inBytes: true, largest: 2 }) },
  { name: 'dense_rows', graph: denseGraph('dense_rows', 5, 33, 9, { inBytes: true, largest: 5 }) },
];

const layers = [...Object.entries(convolutions).map(([name, c]) => ({ name, graph: convGraph(name, c) })), ...dense];

/** The layer by the kernel, which is not always the cheapest. */
function withKernel({ name, graph }: Case, kernel: string): Case {
  const node = graph.nodes[0]!;
  const [chosen] = kernelsFor(node, graph, armv8a).filter((k) => k.name === kernel);
  return { name, graph, selections: new Map([[node.id, chosen!]]) };
}

/** Tried with the input that drives every lane of a channel to the end of its range too. */
const extremes = ['smallest', 'flushes', 'flushes_odd', 'full_range', 'zero_point', 'dense'];

const cases = [
  ...layers.map((layer) => withKernel(layer, 'conv-byte-lanes')),
  ...layers
    .filter(({ name }) => extremes.includes(name))
    .map((layer): Case => {
      const { values } = adversaryOf(layer.graph, layer.graph.nodes.find(isReductionNode)!, 1).input(0);
      return { ...withKernel(layer, 'conv-byte-lanes'), name: `${layer.name}_extreme`, inputs: [values] };
    }),
];

describe.each(toolchains)('K in 16 lanes of 8 bits, $name', (toolchain) => {
  it('gives the bytes of the reference', async () => {
    expect(await runCases(cases, toolchain)).toBe('');
  });
});

describe('a layer of 8-bit lanes', () => {
  it('also compiles for 16-bit lanes', async () => {
    expect(
      await runCases(
        layers.slice(1, 6).map((layer) => withKernel(layer, 'conv-k-lanes')),
        toolchains[0],
      ),
    ).toBe('');
  });

  const graph = convGraph('wide', { ...tile, height: 16, width: 16, channels: 96, outputs: 16 });
  const chosenFor = (target: Target) => [...selectKernels(graph, target).values()].map(({ name }) => name);

  it('takes the kernel of its own where that is cheaper', () => {
    expect(chosenFor(armv8a)).toEqual(['conv-byte-lanes']);
    // Where a multiplication of 16 bytes takes as long as two of 8, it saves nothing.
    expect(chosenFor(cortexA72)).toEqual(['conv-k-lanes']);
  });
});
