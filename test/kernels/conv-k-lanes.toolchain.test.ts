import { describe, expect, it } from 'vitest';
import { runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph, denseGraph } from '../helpers/reductions.ts';

const same = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
const one = { height: 1, width: 1, channels: 1, outputs: 1 } as const;

const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: one,
  tile_less_one: { height: 3, width: 3, channels: 15, outputs: 3, ...same, largest: 7 },
  tile: { height: 4, width: 4, channels: 16, outputs: 4, ...same, largest: 7 },
  tile_more_one: { height: 5, width: 5, channels: 17, outputs: 5, ...same, largest: 7 },
  twice: { height: 8, width: 8, channels: 32, outputs: 8, ...same, largest: 5 },
  flushes: { height: 6, width: 6, channels: 40, outputs: 8, ...same },
  flushes_odd: { height: 5, width: 7, channels: 65, outputs: 7, ...same },
  first_layer: { height: 9, width: 11, channels: 3, outputs: 10, ...same, largest: 60 },
  pointwise: { height: 6, width: 6, channels: 24, outputs: 12, largest: 30 },
  strided: {
    height: 9,
    width: 9,
    channels: 16,
    outputs: 4,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [0, 0, 1, 1],
    largest: 9,
  },
  strided_pointwise: { height: 7, width: 7, channels: 16, outputs: 4, strides: [2, 2], largest: 30 },
  dilated: {
    height: 9,
    width: 9,
    channels: 8,
    outputs: 4,
    kernel: [3, 3],
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
    largest: 20,
  },
  one_dimensional: { height: 1, width: 20, channels: 10, outputs: 6, kernel: [1, 5], pads: [0, 2, 0, 2], largest: 12 },
  column: { height: 20, width: 1, channels: 10, outputs: 6, kernel: [5, 1], pads: [2, 0, 2, 0], largest: 12 },
  grouped: { height: 5, width: 5, channels: 24, outputs: 9, groups: 3, ...same, largest: 40 },
  groups_of_four: { height: 5, width: 5, channels: 32, outputs: 8, groups: 2, ...same },
  multiplier: { height: 5, width: 5, channels: 4, outputs: 8, groups: 4, ...same },
  clamped: { height: 4, width: 4, channels: 16, outputs: 4, ...same, largest: 7, clamp: { lo: 0, hi: 6 } },
  zero_point: { height: 4, width: 4, channels: 16, outputs: 4, ...same, x: quant(0.05, 13), largest: 7 },
  narrow: {
    height: 4,
    width: 4,
    channels: 16,
    outputs: 4,
    ...same,
    x: { scale: [0.25], zeroPoint: -8, qmin: -8, qmax: 7 },
  },
  shift: { height: 4, width: 4, channels: 16, outputs: 6, ...same, x: quant(2 ** -4, 0), largest: 7, requant: 'shift' },
  float32: { height: 4, width: 4, channels: 16, outputs: 6, ...same, largest: 7, requant: 'float32' },
  real_bias: { height: 4, width: 4, channels: 16, outputs: 6, ...same, largest: 7, requant: 'float32', realBias: true },
  // Runs that end with a block of 8, whole and flushed.
  eight_channels: { height: 6, width: 6, channels: 8, outputs: 8, ...same, largest: 20 },
  half_blocks: { height: 5, width: 5, channels: 24, outputs: 5, ...same, largest: 12 },
  half_blocks_flushed: { height: 5, width: 5, channels: 40, outputs: 5, ...same, largest: 60 },
  half_block_only: { height: 4, width: 4, channels: 5, outputs: 4, kernel: [3, 1], pads: [1, 0, 1, 0] },
  half_block_flushed: { height: 4, width: 4, channels: 8, outputs: 4, kernel: [3, 1], pads: [1, 0, 1, 0] },
  // Planes on which lines of pixels waste fewer than rectangles, ±1.
  line: { height: 7, width: 7, channels: 32, outputs: 5, ...same, largest: 5 },
  line_strided: { height: 13, width: 11, channels: 32, outputs: 5, ...same, strides: [2, 2], largest: 5 },
  line_flushed: { height: 5, width: 5, channels: 32, outputs: 5, ...same },
  line_more: { height: 5, width: 13, channels: 32, outputs: 4, ...same, largest: 5 },
  flushed_tile_less_one: { height: 1, width: 2, channels: 32, outputs: 3, ...same },
  flushed_tile: { height: 1, width: 3, channels: 32, outputs: 4, ...same },
  flushed_tile_more_one: { height: 1, width: 4, channels: 32, outputs: 5, ...same },
  // Flushes after several rows, an even number of them and not; after rows of taps; after single steps of 16.
  flushed_rows: { height: 6, width: 6, channels: 16, outputs: 4, kernel: [4, 1], pads: [1, 0, 2, 0], largest: 80 },
  flushed_rows_uneven: { height: 6, width: 6, channels: 16, outputs: 4, ...same, largest: 25 },
  flushed_taps: { height: 6, width: 6, channels: 32, outputs: 8, groups: 2, ...same, largest: 35 },
  // −128 · −128 four times in a lane leaves 16 bits, unless the lane starts elsewhere.
  most_negative: { height: 3, width: 3, channels: 32, outputs: 4, ...same, weights: () => -128 },
  one_sided: { height: 3, width: 3, channels: 32, outputs: 4, ...same, weights: (k) => (k % 2 === 0 ? 127 : 126) },
  // One-sided weights: the range is centred by a preload.
  large: { height: 12, width: 13, channels: 48, outputs: 16, ...same, largest: 3 },
};

describe.each(toolchains)('K in the lanes, $name', (toolchain) => {
  it('gives the bytes of the reference', async () => {
    const cases = Object.entries(convolutions).map(([name, c]) => ({ name, graph: convGraph(name, c) }));
    const dense = [
      { name: 'dense', graph: denseGraph('dense', 1, 100, 10, { largest: 20 }) },
      { name: 'dense_rows', graph: denseGraph('dense_rows', 5, 33, 9, { largest: 60 }) },
      { name: 'dense_flushes', graph: denseGraph('dense_flushes', 1, 512, 6) },
    ];
    expect(await runCases([...cases, ...dense], toolchain)).toBe('');
  });
});
