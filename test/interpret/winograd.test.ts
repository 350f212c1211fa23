import { describe, expect, it } from 'vitest';
import { sixBits, type WinogradCase, winogradGraph } from '../helpers/winograd.ts';
import { expectExact, randomBatch } from './compare.ts';

const small = { height: 9, width: 10, channels: 5, outputs: 6 } as const;

const cases: Readonly<Record<string, WinogradCase>> = {
  f2: { tile: 2, ...small },
  f4: { tile: 4, ...small },
  'f2 exact': { tile: 2, ...small, exact: true, x: sixBits },
  'f4 without padding': { tile: 4, ...small, pads: [0, 0, 0, 0] },
  'f4 of one pixel': { tile: 4, ...small, height: 1, width: 1 },
  'f2 of whole tiles': { tile: 2, height: 8, width: 8, channels: 17, outputs: 3 },
  'f4 of 7 bits, saturating': { tile: 4, ...small, bits: 7, saturating: true },
  'f4 with a clamp': { tile: 4, ...small, clamp: { lo: 0, hi: 6 } },
  'f4 of wide sums': { tile: 4, height: 4, width: 4, channels: 300, outputs: 3, largest: 127, leftShift: 0 },
};

describe('a Winograd convolution', () => {
  it.each(Object.entries(cases))('is bit-equal to the reference: %s', async (_, c) => {
    const graph = winogradGraph('w', c);
    const output = await expectExact(graph, randomBatch(graph, 3, 5), 3);
    expect(new Set(output).size).toBeGreaterThan(8);
  });
});
