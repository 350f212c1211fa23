import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Conv2dOp, Graph } from '../../../src/graph/types.ts';
import { createFloatEvaluator } from '../../../src/interpret/float.ts';
import { matrixProducts } from '../../../src/interpret/products.ts';
import { isReductionNode, type ReductionNode } from '../../../src/proof/certify.ts';
import { momentsOf, wantedOf } from '../../../src/quantize/reconstruct/moments.ts';
import { patchSource } from '../../../src/quantize/reconstruct/patches.ts';
import { clampedTargets, realSums } from '../../../src/quantize/reconstruct/targets.ts';
import { Network, noise } from '../networks.ts';

describe('momentsOf', () => {
  it.each([true, false])('gives the second moments, centred: %s', async (centred) => {
    const random = createRandom(3);
    const [rows, length, channels] = [700, 5, 2];
    // Magnitudes that make a chunk of 258 rows.
    const x = Float32Array.from({ length: rows * length }, () => random.int(-255, 255));
    const t = Float32Array.from({ length: rows * channels }, () => random.normal() + 3);
    const products = await matrixProducts();
    const moments = await momentsOf(x, { length, largest: 255, centred }, products);
    const { cross, power } = await wantedOf(x, moments, t, channels, products);
    const mean = (of: (row: number) => number) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += of(row) / rows;
      return sum;
    };
    const at = (i: number) => (row: number) => x[row * length + i]!;
    const target = (o: number) => (row: number) => t[row * channels + o]!;
    const moment = (a: (row: number) => number, b: (row: number) => number) =>
      mean((row) => a(row) * b(row)) - (centred ? mean(a) * mean(b) : 0);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) expect(moments.hessian[i * length + j]).toBeCloseTo(moment(at(i), at(j)), 6);
      for (let o = 0; o < channels; o++) expect(cross[o * length + i]).toBeCloseTo(moment(at(i), target(o)), 3);
    }
    for (let o = 0; o < channels; o++) expect(power[o]).toBeCloseTo(moment(target(o), target(o)), 4);
  });
});

describe('realSums', () => {
  const geometries: readonly (readonly [string, Partial<Conv2dOp>])[] = [
    ['strides, odd pads', { strides: [2, 1], pads: [0, 1, 2, 0] }],
    ['groups', { groups: 2 }],
    ['depthwise', { groups: 4 }],
    ['dilations', { dilations: [2, 2], pads: [2, 2, 2, 2] }],
  ];

  async function sumsBothWays(graph: Graph): Promise<readonly [Float32Array, Float32Array]> {
    const node = graph.nodes.find(isReductionNode) as ReductionNode;
    const [x, w, b] = node.inputs.map((id) => graph.tensors.get(id)!);
    const y = graph.tensors.get(node.outputs[0]!)!;
    const values = noise(graph, 3).batch(0, 3);
    const evaluator = await createFloatEvaluator(graph);
    const wanted = (await evaluator.run(values, 3)).get(y.id)!;
    await evaluator.release();
    const source = patchSource(node, { x: x!.shape, w: w!.shape, y: y.shape }, 3, 1e6);
    const data = [w!.data, b!.data] as [Float32Array, Float32Array];
    return [await realSums(source, values, ...data, await matrixProducts()), wanted];
  }

  it.each(geometries)('are what the convolution gives: %s', async (_, more) => {
    const n = new Network('geometry');
    const [sums, wanted] = await sumsBothWays(n.build(n.conv(n.input([1, 6, 7, 4]), 8, 3, more)));
    expect(sums.length).toBe(wanted.length);
    sums.forEach((sum, i) => {
      expect(sum).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it('are what a fully connected layer of several rows gives', async () => {
    const n = new Network('rows');
    const [sums, wanted] = await sumsBothWays(n.build(n.fullyConnected(n.input([2, 9]), 5)));
    sums.forEach((sum, i) => {
      expect(sum).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it('take positions at random, always the same, where there are more than asked for', () => {
    const n = new Network('chosen');
    const graph = n.build(n.conv(n.input([1, 6, 6, 2]), 3, 3));
    const node = graph.nodes.find(isReductionNode) as ReductionNode;
    const shapes = { x: [1, 6, 6, 2], w: [3, 3, 3, 2], y: [1, 6, 6, 3] };
    const { chosen } = patchSource(node, shapes, 10, 50);
    expect(chosen.length).toBe(50);
    expect(new Set(chosen).size).toBe(50);
    expect(Math.max(...chosen)).toBeGreaterThan(300);
    expect(patchSource(node, shapes, 10, 50).chosen).toEqual(chosen);
  });
});

describe('clampedTargets', () => {
  it('asks nothing more of sums that a clamp cuts off as it should', () => {
    const targets = { sums: Float32Array.of(-3, -3, 2, 2, 9, 9, 9), lo: 0, hi: 6 };
    const got = Float32Array.of(-1, 1, -1, 8, 5, 7, 20);
    expect(Array.from(clampedTargets(targets, got))).toEqual([-1, 0, 2, 2, 6, 7, 20]);
  });

  it('counts what an addition adds before the clamp', () => {
    const targets = { sums: Float32Array.of(-3, 2, 9), offset: Float32Array.of(1, 1, 4), lo: 0, hi: 6 };
    // Behind the addition: −4 + 1, 5 + 1 and 1 + 4.
    expect(Array.from(clampedTargets(targets, Float32Array.of(-4, 5, 1)))).toEqual([-4, 1, 2]);
  });
});
