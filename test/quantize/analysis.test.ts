import { describe, expect, it } from 'vitest';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import { certify, integerLayerOf, isReductionNode } from '../../src/quantize/certify.ts';
import type { QuantizeOptions } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { mixedNetwork, noise } from './networks.ts';

const graph = mixedNetwork();
const quantized = (options: Partial<QuantizeOptions>) => quantize(graph, noise(graph, 32), options);

describe('--analysis worst-case', () => {
  it('keeps weights so small that no weights of their width could overflow', async () => {
    const { graph: integer, layers } = await quantized({ lanes: 1, accBits: 12, analysis: 'worst-case' });
    expect(layers.every((l) => l.proven)).toBe(true);
    for (const node of integer.nodes.filter(isReductionNode)) {
      const { weights, reduction, x } = integerLayerOf(integer, node);
      const largest = weights.data.reduce((most, q) => Math.max(most, Math.abs(q)), 0);
      const bits = Math.ceil(Math.log2(largest + 1)) + 1;
      expect(reduction.length * (x.qmax - x.qmin) * (2 ** (bits - 1) - 1), node.origin.name).toBeLessThan(2 ** 12);
    }
  });

  it('leaves room that the exact analysis uses', async () => {
    const utilization = async (analysis: QuantizeOptions['analysis']) => {
      const { layers } = await quantized({ lanes: 1, accBits: 12, bits: 4, analysis });
      return layers.reduce((sum, l) => sum + l.utilization, 0) / layers.length;
    };
    expect(await utilization('worst-case')).toBeLessThan((await utilization('weights')) - 0.2);
  });

  it('splits a layer by numbers of products, not by weights, and flushes where any weights would need it', async () => {
    const { graph: integer } = await quantized({ accBits: 12, bits: 8, segments: 'flush', analysis: 'worst-case' });
    expect(certify(integer).size).toBeGreaterThan(0);
    const ends = integer.nodes.filter(isReductionNode).map((n) => n.op.integer!.accumulator.segments);
    for (const segments of ends) expect(segments).toEqual(segments.map((_, i) => (i + 1) * segments[0]!));
  });

  it('refuses what no weights fit, naming the layer', async () => {
    const error: unknown = await quantized({ lanes: 1, accBits: 8, bits: 8, analysis: 'worst-case' }).catch((e) => e);
    expect(error).toBeInstanceOf(NeonarrowError);
    expect(error).toMatchObject({ code: 'accumulator-too-narrow', place: 'layer "conv2d0"' });
  });
});
