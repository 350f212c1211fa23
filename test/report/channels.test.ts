import { describe, expect, it } from 'vitest';
import { must } from '../../src/core/must.ts';
import type { QuantizeOptions } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { type LayerChannels, layerChannels, operandsText } from '../../src/report/channels.ts';
import { Network, noise, relu } from '../quantize/networks.ts';

/** Two convolutions, the second with a form in the Winograd domain. */
async function secondLayer(options: Partial<QuantizeOptions>): Promise<LayerChannels> {
  const n = new Network('two', 9);
  const first = n.conv(n.input([1, 8, 8, 3]), 16, 3, { clamp: relu });
  const float = n.build(n.conv(first, 12, 3, { clamp: relu }));
  const { graph } = await quantize(float, noise(float, 12), options);
  return must([...layerChannels(graph).values()][1], 'layer');
}

describe('the channels of a report', () => {
  it('have one sum each, or one for each tap of a tile', async () => {
    const direct = await secondLayer({});
    expect(direct).toMatchObject({ proven: true, bits: 16, lanes: 8, taps: 1 });
    expect(direct.channels).toHaveLength(12);
    const winograd = await secondLayer({ winograd: 'f4' });
    expect(winograd).toMatchObject({ proven: true, bits: 16, taps: 36 });
    expect(winograd.channels).toHaveLength(12 * 36);
  });

  it('name what the proof assumes of the operands', async () => {
    const { operands } = await secondLayer({ accBits: 9, lanes: 1, bits: 3 });
    const { pixels, ...range } = operands;
    expect(operandsText(range)).toBe('-4 to 3');
    expect(operandsText(operands)).toBe(`-4 to 3, those of a pixel together at most ${pixels!.sum} above -4`);
  });

  it('fit their accumulators with the preload, proven or measured', async () => {
    for (const analysis of ['weights', 'calibrated'] as const) {
      const layer = await secondLayer({ accBits: 9, lanes: 1, analysis });
      expect(layer.proven).toBe(analysis === 'weights');
      for (const { range, preload, use } of layer.channels) {
        expect(range.lo + preload).toBeGreaterThanOrEqual(-256);
        expect(range.hi + preload).toBeLessThanOrEqual(255);
        expect(use).toBe((range.hi - range.lo) / 511);
      }
    }
  });
});
