import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../src/graph/build.ts';
import { firstLayer } from '../../src/kernels/first-layer.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph } from '../helpers/reductions.ts';

const same = { kernel: [3, 3], pads: [1, 1, 1, 1], channels: 3 } as const;

const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: { height: 1, width: 1, channels: 1, outputs: 1 },
  tile_less_one: { height: 3, width: 7, outputs: 15, ...same, largest: 12 },
  tile: { height: 4, width: 8, outputs: 16, ...same, largest: 12 },
  tile_more_one: { height: 5, width: 9, outputs: 17, ...same, largest: 12 },
  twice: { height: 8, width: 16, outputs: 32, ...same, largest: 12 },
  flushes: { height: 6, width: 10, outputs: 24, ...same, largest: 32 },
  flushes_some_rows: { height: 13, width: 10, outputs: 8, channels: 1, kernel: [10, 4], largest: 40 },
  from_the_graph: { height: 6, width: 6, outputs: 16, ...same, largest: 28, inRows: true },
  strided: { height: 9, width: 9, outputs: 5, ...same, strides: [2, 2], pads: [0, 0, 1, 1], largest: 12 },
  large_stride: { height: 23, width: 27, channels: 3, outputs: 20, kernel: [11, 11], strides: [4, 4], largest: 3 },
  dilated_rows: { height: 9, width: 9, channels: 2, outputs: 4, kernel: [3, 3], dilations: [2, 1], largest: 12 },
  one_dimensional: { height: 1, width: 40, channels: 4, outputs: 16, kernel: [1, 9], pads: [0, 4, 0, 4], largest: 9 },
  clamped: { height: 4, width: 4, outputs: 16, ...same, largest: 12, clamp: { lo: 0, hi: 6 } },
  zero_point: { height: 4, width: 4, outputs: 16, ...same, x: quant(0.05, 13), largest: 12 },
  one_sided: {
    height: 4,
    width: 4,
    outputs: 16,
    ...same,
    x: { scale: [0.05], zeroPoint: 0, qmin: 0, qmax: 127 },
    largest: 30,
  },
  shift: { height: 4, width: 6, outputs: 6, ...same, x: quant(2 ** -4, 0), largest: 12, requant: 'shift' },
  fixed16: { height: 4, width: 9, outputs: 24, ...same, largest: 12, requant: 'fixed16' },
  fixed16_saturates: { height: 4, width: 9, outputs: 16, ...same, largest: 12, requant: 'fixed16', bias: 30000 },
  fixed16_flushes: { height: 4, width: 9, outputs: 16, ...same, largest: 30, requant: 'fixed16' },
  float32: { height: 4, width: 6, outputs: 6, ...same, largest: 12, requant: 'float32' },
  real_bias: { height: 4, width: 6, outputs: 6, ...same, largest: 12, requant: 'float32', realBias: true },
};

describe.each(toolchains)('first layer, $name', (toolchain) => {
  it('gives the bytes of the reference', async () => {
    const cases = Object.entries(convolutions).map(([name, c]) => {
      const graph = convGraph(name, c);
      return { name, graph, selections: new Map(graph.nodes.map((node) => [node.id, firstLayer as Kernel])) };
    });
    expect(await runCases(cases, toolchain)).toBe('');
  });
});

describe('the first-layer kernel', () => {
  const chosen = (c: ConvCase) => {
    const graph = convGraph('layer', c);
    return [...selectKernels(graph, armv8a).values()].map((kernel) => kernel.name);
  };

  it('is chosen for few input channels', () => {
    expect(chosen({ height: 32, width: 32, outputs: 96, ...same, largest: 12 })).toEqual(['first-layer']);
    expect(chosen({ height: 32, width: 32, outputs: 96, ...same, channels: 8, largest: 12 })).toEqual(['conv-k-lanes']);
  });

  it('leaves rows whose sums do not fit 16 bits to others', () => {
    expect(chosen({ height: 8, width: 8, outputs: 96, ...same, largest: 127 })).not.toEqual(['first-layer']);
  });

  it('flushes where the graph says so, with a proof from the packed weights', () => {
    const graph = convGraph('layer', { height: 6, width: 6, outputs: 16, ...same, largest: 28, inRows: true });
    const [node] = graph.nodes;
    const { proof } = firstLayer.pack(node as never, graph);
    expect(proof?.model).toEqual({ bits: 16, lanes: 1, step: 9, runLength: 9, segments: [1, 2, 3] });
    const weights = tensorOf(graph, node!.inputs[1]!).data!;
    const firstRow = [...weights.slice(0, 9)].reduce((sum, w) => sum + Math.abs(w), 0);
    expect(proof!.worst[0]!.hi - proof!.worst[0]!.lo).toBeGreaterThanOrEqual(255 * firstRow);
  });
});
