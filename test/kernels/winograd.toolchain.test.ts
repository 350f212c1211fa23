import { describe, expect, it } from 'vitest';
import { runCases, toolchains } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { sixBits, type WinogradCase, winogradGraph } from '../helpers/winograd.ts';

const tiny = { height: 1, width: 1, channels: 1, outputs: 1 } as const;
const odd = { height: 7, width: 9, channels: 17, outputs: 5 } as const;

const cases: Readonly<Record<string, WinogradCase>> = {
  smallest_2: { tile: 2, ...tiny },
  smallest_4: { tile: 4, ...tiny },
  tile_less_one: { tile: 4, height: 3, width: 3, channels: 15, outputs: 3 },
  tile: { tile: 4, height: 4, width: 4, channels: 16, outputs: 4 },
  tile_more_one: { tile: 4, height: 5, width: 5, channels: 17, outputs: 5 },
  twice: { tile: 4, height: 8, width: 8, channels: 32, outputs: 8 },
  odd_2: { tile: 2, ...odd },
  odd_4: { tile: 4, ...odd },
  unpadded_2: { tile: 2, ...odd, pads: [0, 0, 0, 0] },
  unpadded_4: { tile: 4, ...odd, pads: [0, 0, 0, 0] },
  uneven_pads: { tile: 4, ...odd, pads: [0, 1, 2, 0] },
  exact: { tile: 2, ...odd, exact: true, x: sixBits },
  exact_whole_tiles: { tile: 2, height: 6, width: 8, channels: 48, outputs: 8, exact: true, x: sixBits },
  seven_bits: { tile: 4, ...odd, bits: 7, saturating: true },
  saturating_2: { tile: 2, ...odd, saturating: true },
  saturating_4: { tile: 4, ...odd, saturating: true },
  groups_of_three: { tile: 2, height: 6, width: 6, channels: 64, outputs: 8 },
  flushes: { tile: 4, height: 6, width: 6, channels: 200, outputs: 6, largest: 127, leftShift: 0 },
  blocks: { tile: 4, height: 21, width: 20, channels: 96, outputs: 4, largest: 20 },
  clamped: { tile: 4, ...odd, clamp: { lo: 0, hi: 6 } },
  zero_point: { tile: 4, ...odd, x: quant(0.05, 13) },
};

describe.each(toolchains)('Winograd, $name', (toolchain) => {
  it('gives the bytes of the reference', async () => {
    const all = Object.entries(cases).map(([name, c]) => ({ name, graph: winogradGraph(name, c) }));
    expect(await runCases(all, toolchain)).toBe('');
  });
});
