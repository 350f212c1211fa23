import { describe, expect, it } from 'vitest';
import { NeonarrowError } from '../../../src/core/diagnostics.ts';
import { inputQuantizer } from '../../../src/interpret/quantize-input.ts';
import { runReference } from '../../../src/interpret/reference.ts';
import { laneOf, stepOf } from '../../../src/ops/definition.ts';
import { certify, type IntegerLayer, integerLayerOf, isReductionNode } from '../../../src/proof/certify.ts';
import { segmentOf } from '../../../src/proof/segments.ts';
import { overflowingSamples } from '../../../src/quantize/calibrated/overflow.ts';
import type { QuantizeOptions } from '../../../src/quantize/options.ts';
import { quantize } from '../../../src/quantize/quantize.ts';
import { mixedNetwork, noise } from '../networks.ts';

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

describe('--analysis calibrated', () => {
  const narrow = { lanes: 1, accBits: 10, bits: 5, analysis: 'calibrated', guard: 1.25 } as const;

  it('gives finer weights than the proof allows, and says that it is no proof', async () => {
    const [proven, calibrated] = [await quantized({ ...narrow, analysis: 'weights' }), await quantized(narrow)];
    const bits = ({ layers }: typeof proven) => layers.reduce((sum, l) => sum + l.weightBits, 0) / layers.length;
    expect(bits(calibrated)).toBeGreaterThan(bits(proven) + 0.4);
    expect(calibrated.layers.filter((l) => !l.proven).length).toBeGreaterThan(3);
    expect(proven.layers.every((l) => l.proven)).toBe(true);
    for (const l of calibrated.layers) expect(l.utilization).toBeLessThanOrEqual(1);
  });

  it('states for each accumulator a range that holds what the reference sums, on data that it has seen', async () => {
    const data = noise(graph, 32);
    const { graph: integer } = await quantize(graph, data, { ...narrow, lanes: 8, accBits: 9 });
    const port = integer.inputs[0]!;
    const x = inputQuantizer(integer, port)(data.batch(0, 1), 1);
    const values = runReference(integer, new Map([[port.tensor, x]]));
    const open = integer.nodes.filter(isReductionNode).filter((n) => n.op.integer!.mode === 'calibrated');
    expect(open.length).toBeGreaterThan(0);
    for (const node of open) {
      const layer = integerLayerOf(integer, node);
      const seen = plainSums(layer, values.get(node.inputs[0]!)!);
      layer.integer.sums!.forEach((own, o) => {
        own.forEach((range, a) => {
          expect(range.hi - range.lo, node.origin.name).toBeLessThanOrEqual(511);
          expect(seen[o]![a]!.lo, node.origin.name).toBeGreaterThanOrEqual(range.lo);
          expect(seen[o]![a]!.hi, node.origin.name).toBeLessThanOrEqual(range.hi);
        });
      });
    }
  });

  it('keeps the means of what it coarsens, and proves what fits anyway', async () => {
    const wide = await quantized({ ...narrow, accBits: 24 });
    expect(wide.layers.every((l) => l.proven)).toBe(true);
    expect(wide.graph.nodes.filter(isReductionNode).every((n) => n.op.integer!.sums === undefined)).toBe(true);
  });

  it('finds the samples whose sums leave their accumulators: none of those that it has seen, all of much larger ones', async () => {
    const data = noise(graph, 32);
    const { graph: integer } = await quantize(graph, data, { ...narrow, guard: 1 });
    expect(await overflowingSamples(integer, data)).toEqual(new Set());
    const extreme = { ...data, batch: (from: number, to: number) => data.batch(from, to).map((v) => Math.sign(v) * 4) };
    expect((await overflowingSamples(integer, extreme)).size).toBeGreaterThan(16);
  });
});

/** The sums of a layer's accumulators on one sample, by plain loops, raw Σ x·w: `[channel][accumulator]`. */
function plainSums(layer: IntegerLayer, x: Int8Array) {
  const { node, integer, weights, reduction } = layer;
  const { length, channels } = reduction;
  const model = integer.accumulator;
  const ranges = Array.from({ length: channels }, () =>
    Array.from({ length: model.lanes * model.segments.length }, () => ({ lo: Infinity, hi: -Infinity })),
  );
  for (const patch of patchesOf(layer, x)) {
    for (let o = 0; o < channels; o++) {
      const group = node.op.kind === 'conv2d' ? Math.floor((o * node.op.groups) / channels) : 0;
      const sums = new Float64Array(ranges[o]!.length);
      for (let k = 0; k < length; k++) {
        const at = segmentOf(model, stepOf(model, k)) * model.lanes + laneOf(model, k);
        sums[at]! += patch(group, k) * weights.data[o * length + k]!;
      }
      ranges[o]!.forEach((range, a) => {
        range.lo = Math.min(range.lo, sums[a]!);
        range.hi = Math.max(range.hi, sums[a]!);
      });
    }
  }
  return ranges;
}

/** For each output position what product k of a group reads. */
function patchesOf({ node, weights, x: quant }: IntegerLayer, x: Int8Array): ((group: number, k: number) => number)[] {
  if (node.op.kind !== 'conv2d') return [(_, k) => x[k]!];
  const { strides, pads, groups } = node.op;
  const [, kh, kw, perGroup] = weights.shape as [number, number, number, number];
  const channels = perGroup * groups;
  const size = Math.sqrt(x.length / channels);
  const out = (size + pads[0] + pads[2] - kh) / strides[0] + 1;
  return Array.from({ length: out * out }, (_, position) => (group: number, k: number) => {
    const [ky, kx, c] = [Math.floor(k / (kw * perGroup)), Math.floor(k / perGroup) % kw, k % perGroup];
    const iy = Math.floor(position / out) * strides[0] - pads[0] + ky;
    const ix = (position % out) * strides[1] - pads[1] + kx;
    const inside = iy >= 0 && iy < size && ix >= 0 && ix < size;
    return inside ? x[(iy * size + ix) * channels + group * perGroup + c]! : quant.zeroPoint;
  });
}
