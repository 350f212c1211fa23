import { describe, expect, it } from 'vitest';
import { inputsOf, isKind, outputOf } from '../../../src/graph/build.ts';
import { createExactEvaluator } from '../../../src/interpret/exact.ts';
import { quantOf } from '../../../src/ops/quantized.ts';
import { proveReduction } from '../../../src/proof/accumulator.ts';
import { certify, integerLayerOf, isReductionNode } from '../../../src/proof/certify.ts';
import type { QuantizeOptions } from '../../../src/quantize/options.ts';
import { quantize } from '../../../src/quantize/quantize.ts';
import { quantizedInputs } from '../../../src/quantize/quantized-inputs.ts';
import { defaultTechniques } from '../../../src/quantize/techniques.ts';
import { Network, noise, relu } from '../networks.ts';

function twoLayers(more: { readonly clamp?: typeof relu; readonly groups?: number } = { clamp: relu }) {
  const { groups = 1, ...stem } = more;
  const n = new Network('pixels');
  return n.build(n.conv(n.conv(n.input([1, 6, 6, 3]), 40, 3, stem), 10, 3, { groups }));
}

const scalar: Partial<QuantizeOptions> = {
  ...{ lanes: 1, accBits: 11, bits: 3 },
  techniques: new Set([...defaultTechniques, 'pixel-sums']),
};

const sumsOf = (layers: readonly { readonly pixelSum?: number }[]) => layers.map(({ pixelSum }) => pixelSum);

describe('pixel-sums', () => {
  it('gives weights room that the ranges alone do not, and keeps what the proof needs, whatever the input', async () => {
    const float = twoLayers();
    const { graph, layers } = await quantize(float, noise(float, 32), scalar);
    const limit = layers[1]!.pixelSum!;
    expect(sumsOf(layers)).toEqual([undefined, expect.any(Number)]);
    expect(layers.every(({ proven }) => proven)).toBe(true);
    const [, layer] = graph.nodes.filter(isReductionNode).map((node) => integerLayerOf(graph, node));
    const { weights, reduction, operands, integer } = layer!;
    const { pixels: _, ...range } = operands;
    const widthOf = (x: typeof operands) =>
      Math.max(
        ...proveReduction(integer.accumulator, weights.data, reduction.channels, x).worst.map((r) => r.hi - r.lo),
      );
    expect(widthOf(operands)).toBeLessThan(2 ** 11);
    expect(widthOf(range)).toBeGreaterThan(2 ** 11);
    const unlimited = graph.nodes.map((n) => (isKind(n, 'diffuse') ? { ...n, op: { kind: 'diffuse' } as const } : n));
    expect(() => certify({ ...graph, nodes: unlimited })).toThrow(
      expect.objectContaining({ code: 'accumulator-overflow' }),
    );

    const id = graph.nodes.find((n) => isKind(n, 'diffuse'))!.outputs[0]!;
    const evaluator = await createExactEvaluator(graph, { activations: [id] });
    // Ten times as large as what was seen.
    const loud = {
      ...noise(float, 8),
      batch: (from: number, to: number) =>
        noise(float, 8)
          .batch(from, to)
          .map((v) => 10 * v),
    };
    const inputs = quantizedInputs(graph, loud, [0, 1, 2, 3]);
    const values = (await evaluator.run(inputs, 4)).get(id)!;
    await evaluator.release();
    const { qmin } = quantOf(outputOf(graph, graph.nodes.find((n) => isKind(n, 'diffuse'))!));
    const sums = Array.from({ length: values.length / 40 }, (_, p) =>
      values.subarray(40 * p, 40 * (p + 1)).reduce((sum, q) => sum + q - qmin, 0),
    );
    expect(Math.max(...sums)).toBe(limit);
  });

  it.each([
    ['grouped convolutions', twoLayers({ clamp: relu, groups: 2 }), scalar],
    ['data with negative numbers', twoLayers({}), scalar],
    ['NEON lanes', twoLayers(), { ...scalar, lanes: 8 }],
    ['bounds from widths alone', twoLayers(), { ...scalar, accBits: 16, analysis: 'worst-case' }],
    ['bounds that are measured', twoLayers(), { ...scalar, analysis: 'calibrated' }],
    ['segments', twoLayers(), { ...scalar, segments: 2 }],
    ['8 bits of data', twoLayers(), { ...scalar, accBits: 16, bits: 8 }],
  ] as const)('limits nothing in front of %s', async (_, float, options) => {
    const { graph, layers } = await quantize(float, noise(float, 16), options);
    expect(sumsOf(layers)).toEqual([undefined, undefined]);
    for (const node of graph.nodes.filter(isReductionNode)) expect(inputsOf(graph, node)[0]!.quant).toBeDefined();
  });
});
