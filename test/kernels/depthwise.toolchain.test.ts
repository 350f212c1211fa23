import { describe, expect, it } from 'vitest';
import { depthwise } from '../../src/kernels/depthwise.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph } from '../helpers/reductions.ts';

const three = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;

/** A case of `channels` channels, each with its own kernel. */
function perChannel(channels: number, c: Omit<ConvCase, 'channels' | 'outputs' | 'groups'>): ConvCase {
  return { ...c, channels, outputs: channels, groups: channels };
}

const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: perChannel(2, { height: 1, width: 1 }),
  block_less_one: perChannel(15, { height: 3, width: 3, ...three, largest: 20 }),
  block: perChannel(16, { height: 4, width: 4, ...three, largest: 20 }),
  block_more_one: perChannel(17, { height: 5, width: 5, ...three, largest: 20 }),
  two_blocks: perChannel(32, { height: 8, width: 8, ...three, largest: 20 }),
  flushes: perChannel(24, { height: 6, width: 6, ...three }),
  flushes_narrow: perChannel(5, { height: 6, width: 3, ...three }),
  strided: perChannel(16, { height: 9, width: 9, kernel: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] }),
  dilated: perChannel(8, { height: 9, width: 9, kernel: [3, 3], dilations: [2, 2], pads: [2, 2, 2, 2], largest: 20 }),
  one_dimensional: perChannel(10, { height: 1, width: 20, kernel: [1, 5], pads: [0, 2, 0, 2] }),
  pointwise: perChannel(7, { height: 3, width: 5 }),
  clamped: perChannel(16, { height: 4, width: 4, ...three, clamp: { lo: 0, hi: 6 } }),
  zero_point: perChannel(16, { height: 4, width: 4, ...three, x: quant(0.05, 13), largest: 20 }),
  shift: perChannel(6, { height: 4, width: 4, ...three, x: quant(2 ** -4, 0), requant: 'shift' }),
  fixed16: perChannel(24, { height: 5, width: 7, ...three, largest: 20, requant: 'fixed16' }),
  fixed16_saturates: perChannel(16, { height: 5, width: 5, ...three, largest: 28, requant: 'fixed16', bias: 30000 }),
  fixed16_flushes: perChannel(16, { height: 5, width: 5, ...three, requant: 'fixed16' }),
  fixed16_beyond: perChannel(16, { height: 5, width: 5, ...three, largest: 28, requant: 'fixed16', bias: 300000 }),
  many_taps: perChannel(16, { height: 7, width: 7, kernel: [5, 5], pads: [2, 2, 2, 2], largest: 9 }),
  fixed16_many_taps: perChannel(16, { height: 7, width: 7, kernel: [5, 5], largest: 9, requant: 'fixed16' }),
  float32: perChannel(6, { height: 4, width: 4, ...three, requant: 'float32' }),
  real_bias: perChannel(6, { height: 4, width: 4, ...three, requant: 'float32', realBias: true }),
};

describe.each(toolchains)('depthwise, $name', (toolchain) => {
  it('gives the bytes of the reference', async () => {
    const cases = Object.entries(convolutions).map(([name, c]) => {
      const graph = convGraph(name, c);
      return { name, graph, selections: new Map(graph.nodes.map((node) => [node.id, depthwise as Kernel])) };
    });
    expect(await runCases(cases, toolchain)).toBe('');
  });
});

it('is chosen for depthwise layers', () => {
  const graph = convGraph('layer', perChannel(64, { height: 25, width: 5, ...three }));
  expect([...selectKernels(graph, armv8a).values()].map((kernel) => kernel.name)).toEqual(['depthwise']);
});
