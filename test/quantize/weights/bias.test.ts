import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../../src/graph/types.ts';
import { createFloatEvaluator } from '../../../src/interpret/float.ts';
import { calibrate } from '../../../src/quantize/calibrate.ts';
import { roundBiases } from '../../../src/quantize/weights/bias.ts';
import { meanProducts, patchMeans } from '../../../src/quantize/weights/patch-mean.ts';
import { Network, noise } from '../networks.ts';

/** The mean of each output channel over samples and positions, from running the network. */
async function measuredMeans(graph: Graph, samples: number): Promise<number[]> {
  const id = graph.outputs[0]!.tensor;
  const channels = graph.tensors.get(id)!.shape.at(-1)!;
  const evaluator = await createFloatEvaluator(graph);
  const values = (await evaluator.run(noise(graph, samples).batch(0, samples), samples)).get(id)!;
  await evaluator.release();
  const means = new Array<number>(channels).fill(0);
  values.forEach((v, i) => {
    means[i % channels]! += (v * channels) / values.length;
  });
  return means;
}

/** The same from the mean input alone. */
async function predictedMeans(graph: Graph, node: Node, samples: number): Promise<number[]> {
  const data = noise(graph, samples);
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  const { means } = await calibrate(graph, data, evaluator.run, { samples, meanSamples: samples });
  await evaluator.release();
  const [w, b] = [1, 2].map((i) => graph.tensors.get(node.inputs[i]!)!.data as Float32Array);
  const patches = patchMeans(graph, node, means.get(node.inputs[0]!)!);
  return Array.from(meanProducts(w!, b!.length, patches), (mean, o) => mean + b![o]!);
}

describe('the mean of a layer’s output', () => {
  it('follows from the mean input: convolutions of all geometries', async () => {
    const geometries = fc.record({
      height: fc.integer({ min: 3, max: 7 }),
      width: fc.integer({ min: 3, max: 7 }),
      groups: fc.constantFrom(1, 2, 4),
      perGroup: fc.integer({ min: 1, max: 3 }),
      kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
      strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
      pads: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 2 }))),
      dilation: fc.integer({ min: 1, max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(geometries, async ({ height, width, groups, perGroup, kernel, strides, pads, dilation }) => {
        fc.pre(dilation * 2 < Math.min(height, width));
        const n = new Network('geometry');
        const x = n.input([1, height, width, groups * perGroup]);
        const dilations = [dilation, dilation] as const;
        const inputs = [x, n.constant([groups * 2, ...kernel, perGroup], 1), n.constant([groups * 2], 1)];
        const [top, left, bottom, right] = pads as [number, number, number, number];
        const y = n.node({ kind: 'conv2d', strides, pads: [top, left, bottom, right], dilations, groups }, inputs);
        const graph = n.build(y);
        const [measured, predicted] = [await measuredMeans(graph, 3), await predictedMeans(graph, graph.nodes[0]!, 3)];
        predicted.forEach((mean, o) => {
          expect(mean).toBeCloseTo(measured[o]!, 4);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('follows from the mean input: fully connected, several rows', async () => {
    const n = new Network('rows');
    const graph = n.build(n.fullyConnected(n.input([3, 5]), 4));
    const [measured, predicted] = [await measuredMeans(graph, 1), await predictedMeans(graph, graph.nodes[0]!, 1)];
    predicted.forEach((mean, o) => {
      expect(mean).toBeCloseTo(measured[o]!, 4);
    });
  });
});

describe('roundBiases', () => {
  it('counts in steps of input scale · weight scale', () => {
    expect(Array.from(roundBiases([1, -0.5, 0.26], 0.5, [0.25, 0.5, 0.25]))).toEqual([8, -2, 2]);
  });
});

describe('calibrate', () => {
  it('gathers every activation of every chosen sample, and means over the subset', async () => {
    const n = new Network('counted');
    const graph = n.build(n.fullyConnected(n.input([1, 6]), 4));
    const data = noise(graph, 50);
    const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
    const { histograms, means, subset } = await calibrate(graph, data, evaluator.run, { samples: 40, meanSamples: 7 });
    await evaluator.release();
    expect(histograms.get('x')!.count).toBe(40 * 6);
    expect(histograms.get(graph.outputs[0]!.tensor)!.count).toBe(40 * 4);
    expect(subset).toHaveLength(7);
    expect(new Set(subset).size).toBe(7);
    const first = subset.reduce((sum, i) => sum + data.batch(i, i + 1)[0]! / 7, 0);
    expect(means.get('x')![0]).toBeCloseTo(first, 6);
  });
});
