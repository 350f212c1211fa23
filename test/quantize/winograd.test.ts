import { describe, expect, it } from 'vitest';
import { must } from '../../src/core/must.ts';
import { silentProgress } from '../../src/core/progress.ts';
import { isKind, tensorOf } from '../../src/graph/build.ts';
import type { Graph } from '../../src/graph/types.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { createFloatEvaluator } from '../../src/interpret/float.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { predictInstructions } from '../../src/kernels/predict.ts';
import { quantOf } from '../../src/ops/quantized.ts';
import type { QuantizeOptions, WinogradChoice } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { Network, noise, plainConv, relu } from './networks.ts';

const samples = 12;

/** Two layers that have Winograd forms, with odd extents, and two that have none. */
function network(): Graph {
  const n = new Network('w', 5);
  const first = n.conv(n.input([1, 11, 10, 3]), 20, 3, { clamp: relu });
  const second = n.conv(first, 24, 3, { clamp: relu });
  const third = n.conv(second, 18, 3, { clamp: relu, pads: [0, 0, 0, 0] });
  return n.build(n.conv(third, 8, 1));
}

/** A second layer of 192 channels, its data and weights all of one sign: all products add up. */
function largeSums(): Graph {
  const n = new Network('large', 5);
  const x = n.conv(n.input([1, 8, 8, 3]), 192, 3, { clamp: { lo: 0, hi: 0.5 } });
  const weights = Float32Array.from({ length: 4 * 9 * 192 }, () => 0.5 + 0.5 * n.random.float());
  const op = plainConv(1, { clamp: relu });
  return n.build(n.node(op, [x, n.data([4, 3, 3, 192], weights), n.constant([4], 0.1)]));
}

/** The largest sum of the second layer's products, in steps of 1/127 of the largest datum and weight. */
async function largestSum(float: Graph): Promise<number> {
  const [id] = float.nodes[1]!.outputs;
  const evaluator = await createFloatEvaluator(float, { activations: [id!] });
  try {
    const sums = must((await evaluator.run([noise(float, samples).batch(0, samples)], samples)).get(id!), id!);
    return sums.reduce((a, b) => Math.max(a, b), 0) * (127 / 0.5) * (127 / 1);
  } finally {
    await evaluator.release();
  }
}

/** Σ (ŷ − y)² / Σ y², and Σ (ŷ − y) / Σ |y|, of the tensor that node `index` writes. */
async function errorsOf(float: Graph, quantized: Graph, index: number): Promise<{ noise: number; bias: number }> {
  const data = noise(float, samples);
  const real = data.batch(0, samples);
  const id = must(float.nodes[index]!.outputs[0], 'output');
  const floats = await createFloatEvaluator(float, { activations: [id] });
  const exact = await createExactEvaluator(quantized, { activations: [id], threads: 1 });
  try {
    const wanted = must((await floats.run([real], samples)).get(id), id);
    const port = quantized.inputs[0]!;
    const x = inputQuantizer(quantized, port)(real, samples);
    const got = must((await exact.run(new Map([[port.tensor, x]]), samples)).get(id), id);
    const { step, zeroPoint } = quantOf(tensorOf(quantized, id));
    let [error, power, sum, size] = [0, 0, 0, 0];
    wanted.forEach((y, i) => {
      const difference = step * (got[i]! - zeroPoint) - y;
      error += difference ** 2;
      power += y ** 2;
      sum += difference;
      size += Math.abs(y);
    });
    return { noise: error / power, bias: sum / size };
  } finally {
    await floats.release();
    await exact.release();
  }
}

async function quantized(winograd: WinogradChoice, more: Partial<QuantizeOptions> = {}): Promise<Graph> {
  const float = network();
  return (await quantize(float, noise(float, samples), { winograd, ...more })).graph;
}

describe('quantizing into the Winograd domain', () => {
  it.each<[WinogradChoice, number, number, number]>([
    ['f2', 2, 8, -25],
    ['f2-exact', 2, 6, -25],
    // Its transform adds up ten times as much rounding; on images, whose neighbours are alike, less.
    ['f4', 4, 8, -15],
  ])('%s: fits layers that have the form, near the float network', async (winograd, tile, bits, decibels) => {
    const graph = await quantized(winograd);
    const kinds = graph.nodes.map((node) => node.op.kind);
    expect(kinds).toEqual(['conv2d', 'winograd', 'winograd', 'conv2d']);
    for (const node of graph.nodes.filter((n) => isKind(n, 'winograd'))) {
      expect(node.op).toMatchObject({ tile });
      const { qmin, qmax } = quantOf(tensorOf(graph, node.inputs[0]!));
      expect(Math.log2(qmax - qmin + 1)).toBe(bits);
    }
    const { noise: relative, bias } = await errorsOf(network(), graph, 2);
    expect(10 * Math.log10(relative)).toBeLessThan(decibels);
    expect(Math.abs(bias)).toBeLessThan(0.02);
  });

  it('fits the weights of taps where weights are fitted: nearer to the float network, and proven all the same', async () => {
    const float = network();
    const relative = async (techniques: string) => {
      const { graph, layers } = await quantize(float, noise(float, samples), {
        winograd: 'f4',
        techniques: parseTechniques(techniques),
      });
      expect(graph.nodes.filter((node) => isKind(node, 'winograd'))).toHaveLength(2);
      expect(layers.every(({ proven }) => proven)).toBe(true);
      return (await errorsOf(float, graph, 2)).noise;
    };
    expect(await relative('bias,feedback,descent')).toBeLessThan(0.8 * (await relative('bias')));
  });

  it('takes one layer by name, and refuses one that has no such form', async () => {
    const { origin } = network().nodes[1]!;
    const graph = await quantized('off', { layers: new Map([[origin.name, { winograd: 'f4' as const }]]) });
    expect(graph.nodes.map((node) => node.op.kind)).toEqual(['conv2d', 'winograd', 'conv2d', 'conv2d']);
    const pointwise = network().nodes[3]!.origin.name;
    const layers = new Map([[pointwise, { winograd: 'f2' as const }]]);
    await expect(quantized('off', { layers })).rejects.toMatchObject({
      code: 'bad-option',
      message: `Layer "${pointwise}" cannot be computed in the Winograd domain: its kernel is 1×1.`,
    });
  });

  it('takes by itself what is near enough to the float network, and says why', async () => {
    const float = network();
    const options = { winograd: 'auto', bits: 8, segments: 1 } as const;
    const predict = (of: Graph) => predictInstructions(of, armv8a);
    const { graph, layers } = await quantize(float, noise(float, samples), options, silentProgress, predict);
    const decisions = layers.map(({ winograd }) => winograd);
    expect(decisions[0]).toBeUndefined();
    expect(decisions[3]).toBeUndefined();
    for (const [i, decision] of decisions.slice(1, 3).entries()) {
      // Of a form at least, and of the direct layer.
      expect(decision?.reason.match(/ \d+\.\d dB, [\d,]+ instructions/g)?.length).toBeGreaterThanOrEqual(2);
      expect(decision?.reason).toMatch(/direct has \d+\.\d dB, [\d,]+ instructions$/);
      expect(graph.nodes[i + 1]!.op.kind).toBe(decision?.form === 'direct' ? 'conv2d' : 'winograd');
    }
    // Noise has no alike neighbours: F(4×4) is too coarse for it somewhere, and F(2×2) is not.
    const { noise: relative } = await errorsOf(float, graph, 2);
    expect(10 * Math.log10(relative)).toBeLessThan(-15);
  });

  it('is right where direct sums of 8-bit operands are beyond what 16-bit operands of F(4×4) in 32-bit sums hold', async () => {
    // What bench/peers.json says of ncnn's F(4×4): wrong from 3.73 million on.
    const float = largeSums();
    const { graph } = await quantize(float, noise(float, samples), { winograd: 'f4' });
    expect(graph.nodes.map((node) => node.op.kind)).toEqual(['conv2d', 'winograd']);
    expect(await largestSum(float)).toBeGreaterThan(3.73e6);
    const { noise: relative, bias } = await errorsOf(float, graph, 1);
    expect(10 * Math.log10(relative)).toBeLessThan(-30);
    expect(Math.abs(bias)).toBeLessThan(0.02);
  });

  it('leaves layers direct whose accumulators or requantization are others', async () => {
    for (const more of [{ lanes: 1 }, { requant: 'shift' }, { accBits: 14 }] as const) {
      const graph = await quantized('f4', more);
      expect(graph.nodes.every((node) => node.op.kind !== 'winograd')).toBe(true);
    }
  });
});
