import { describe, expect, it } from 'vitest';
import type { Graph, TensorId } from '../../src/graph/types.ts';
import { createFloatEvaluator } from '../../src/interpret/float.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { certify, integerLayerOf, isReductionNode } from '../../src/proof/certify.ts';
import { checkQuantized } from '../../src/quantize/check.ts';
import type { QuantizeOptions } from '../../src/quantize/options.ts';
import { type QuantizedModel, quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { mixedNetwork, Network, noise, plainConv, relu } from './networks.ts';

const graph = mixedNetwork();

/** Rounded to nearest, biases corrected: fitting weights has tests of its own. */
async function quantized(options: Partial<QuantizeOptions> = {}, float: Graph = graph): Promise<QuantizedModel> {
  return quantize(float, noise(float, 32), { techniques: parseTechniques('bias'), ...options });
}

/** Signal-to-noise ratio in dB of an activation, over samples that calibration has not seen. */
async function sqnrOf(float: Graph, integer: Graph, id: TensorId): Promise<number> {
  const data = noise(float, 8, 99);
  const evaluator = await createFloatEvaluator(float, { activations: [id] });
  const wanted = (await evaluator.run(data.batch(0, 8), 8)).get(id)!;
  await evaluator.release();
  const port = integer.inputs[0]!;
  const quant = integer.tensors.get(id)!.quant!;
  const size = wanted.length / 8;
  let [signal, error] = [0, 0];
  for (let i = 0; i < 8; i++) {
    const x = inputQuantizer(integer, port)(data.batch(i, i + 1), 1);
    const y = runReference(integer, new Map([[port.tensor, x]])).get(id)!;
    y.forEach((q, k) => {
      const real = wanted[i * size + k]!;
      signal += real ** 2;
      error += (real - quant.scale[0]! * (q - quant.zeroPoint)) ** 2;
    });
  }
  return 10 * Math.log10(signal / error);
}

describe('quantize', () => {
  it('gives a legal graph in which every accumulator is proven and every activation near its float value', async () => {
    const { graph: integer, layers } = await quantized();
    checkQuantized(integer);
    expect(certify(integer).size).toBe(layers.length);
    expect(layers.every((l) => l.proven)).toBe(true);
    for (const node of integer.nodes.slice(0, -1)) {
      expect(await sqnrOf(graph, integer, node.outputs[0]!), node.origin.name).toBeGreaterThan(18);
    }
  });

  it('reports every layer by its name, with what it got', async () => {
    const { layers } = await quantized({ bits: 6 });
    expect(layers.map((l) => [l.name, l.dataBits, l.lanes, l.segments])).toEqual([
      ['conv2d0', 6, 1, 1],
      ['conv2d1', 6, 1, 1],
      ['conv2d2', 6, 8, 1],
      ['conv2d5', 6, 8, 1],
      ['conv2d6', 6, 8, 1],
      ['fullyConnected11', 6, 8, 1],
      ['fullyConnected12', 6, 8, 1],
    ]);
    for (const l of layers) {
      expect(l.utilization).toBeGreaterThan(0.03);
      expect(l.utilization).toBeLessThanOrEqual(1);
      expect(l.weightBits).toBeGreaterThan(6);
      expect(l.weightBits).toBeLessThanOrEqual(8);
      expect(l.sqnr).toBeGreaterThan(20);
    }
  });

  it('gives the same bytes every time', async () => {
    const [a, b] = [await quantized(), await quantized()];
    expect(a).toEqual(b);
  });

  it('ties what must be tied, leaves softmax its own steps, and keeps 8 bits where no layer reads', async () => {
    const { graph: integer } = await quantized({ bits: 5 });
    const quantOf = (id: string) => integer.tensors.get(id)!.quant!;
    expect(quantOf('maxPool4')).toEqual(quantOf('add3'));
    expect(quantOf('conv2d5')).toEqual(quantOf('concat8'));
    expect(quantOf('unary7')).toEqual(quantOf('concat8'));
    expect(quantOf('reshape10')).toEqual(quantOf('averagePool9'));
    expect(quantOf('softmax13')).toEqual({ scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 });
    expect(quantOf('fullyConnected12')).toMatchObject({ qmin: -128, qmax: 127 });
    expect(quantOf('conv2d0')).toMatchObject({ zeroPoint: -16, qmin: -16, qmax: 15 });
  });

  it('proves other accumulators: 32 bits, narrow ones, scalar ones', async () => {
    for (const options of [
      { accBits: 32 },
      { accBits: 12 },
      { lanes: 1 },
      { lanes: 1, accBits: 8 },
      { lanes: 1, accBits: 10 },
    ] as const) {
      const { graph: integer, layers } = await quantized(options);
      expect(layers.every((l) => l.proven)).toBe(true);
      expect(layers.every((l) => l.accBits === (options.accBits ?? 16))).toBe(true);
      if (options.lanes === 1) expect(layers.every((l) => l.lanes === 1 && l.segments === 1)).toBe(true);
      for (const node of integer.nodes.filter(isReductionNode)) {
        expect(integerLayerOf(integer, node).integer.accumulator.bits).toBe(options.accBits ?? 16);
      }
    }
  });

  it('gives 8 bits to 16 NEON lanes, and 16 bits to layers that have channels in the lanes', async () => {
    const { graph: integer, layers } = await quantized({ accBits: 8, segments: 2 });
    expect(layers.every((l) => l.proven)).toBe(true);
    for (const node of integer.nodes.filter(isReductionNode)) {
      const { reduction, integer: own } = integerLayerOf(integer, node);
      const inChannels = reduction.depthwise || reduction.shortRows === true;
      expect(own.accumulator).toMatchObject(inChannels ? { bits: 16, lanes: 1 } : { bits: 8, lanes: 16, step: 16 });
    }
    expect(new Set(layers.map((l) => l.accBits))).toEqual(new Set([8, 16]));
  });

  it('makes powers of two of all scales for the shift requantization', async () => {
    const { graph: integer } = await quantized({ requant: 'shift' });
    for (const t of integer.tensors.values()) {
      for (const s of t.quant?.scale ?? []) expect(Math.log2(s)).toBe(Math.round(Math.log2(s)));
    }
    expect(await sqnrOf(graph, integer, 'fullyConnected12')).toBeGreaterThan(12);
  });

  it('follows --layer: bits, weight bits, segments and accumulator of one layer', async () => {
    const layers = new Map([
      ['conv2d6', { segments: 3, bits: 8 }],
      ['fullyConnected11', { accBits: 20, weightBits: 4, bits: 8 }],
      ['fullyConnected12', { accBits: 8 }],
    ] as const);
    const { layers: reports } = await quantized({ bits: 6, layers });
    const of = (name: string) => reports.find((l) => l.name === name)!;
    expect(of('conv2d6')).toMatchObject({ segments: 3, dataBits: 8, accBits: 16 });
    expect(of('fullyConnected11')).toMatchObject({ accBits: 20, dataBits: 8 });
    expect(of('fullyConnected11').weightBits).toBeLessThanOrEqual(4);
    expect(of('fullyConnected12')).toMatchObject({ accBits: 8, lanes: 16, proven: true });
    expect(of('conv2d5').dataBits).toBe(8);
    expect(of('conv2d0').dataBits).toBe(6);
  });

  it('corrects the means that clipping and rounding shift', async () => {
    const n = new Network('shifted', 3);
    const a = n.conv(n.input([1, 6, 6, 16]), 16, 3, { clamp: relu });
    const float = n.build(n.conv(a, 16, 3));
    const error = async (list: string) => {
      const techniques = parseTechniques(list);
      const { graph: integer } = await quantized({ bits: 3, lanes: 1, accBits: 12, techniques }, float);
      return meanError(float, integer);
    };
    const [without, corrected] = [await error('none'), await error('bias')];
    expect(without).toBeGreaterThan(0.01);
    expect(corrected).toBeLessThan(without / 3);
  });

  it('keeps a channel without weights: its output is its bias', async () => {
    const n = new Network('dead');
    const x = n.input([1, 2, 2, 4]);
    const weights = n.data([2, 1, 1, 4], Float32Array.of(0, 0, 0, 0, 0.5, -0.25, 1e-12, 0));
    const op = plainConv(0);
    const float = n.build(n.node(op, [x, weights, n.data([2], Float32Array.of(1.5, 0))]));
    const { graph: integer } = await quantized({}, float);
    const port = integer.inputs[0]!;
    const y = runReference(integer, new Map([[port.tensor, new Int8Array(16)]])).get(float.outputs[0]!.tensor)!;
    const { scale, zeroPoint } = integer.tensors.get(float.outputs[0]!.tensor)!.quant!;
    expect(Math.abs(scale[0]! * (y[0]! - zeroPoint) - 1.5)).toBeLessThanOrEqual(scale[0]!);
  });

  it('gives two layers with one float constant their own integers', async () => {
    const n = new Network('shared');
    const x = n.input([1, 4, 4, 4]);
    const weights = n.constant([4, 1, 1, 4], 0.7);
    const bias = n.constant([4], 0.1);
    const op = plainConv(0);
    const float = n.build(n.node(op, [n.node({ ...op, clamp: relu }, [x, weights, bias]), weights, bias]));
    const { graph: integer } = await quantized({}, float);
    const biases = integer.nodes.map((node) => node.inputs[2]);
    expect(new Set(biases).size).toBe(2);
    expect(await sqnrOf(float, integer, float.outputs[0]!.tensor)).toBeGreaterThan(25);
  });
});

/** The mean over samples and positions of the last activation's error, averaged over its channels. */
async function meanError(float: Graph, integer: Graph): Promise<number> {
  const data = noise(float, 32);
  const id = float.outputs[0]!.tensor;
  const evaluator = await createFloatEvaluator(float);
  const wanted = (await evaluator.run(data.batch(0, 32), 32)).get(id)!;
  await evaluator.release();
  const channels = float.tensors.get(id)!.shape.at(-1)!;
  const sums = new Float64Array(channels);
  const { scale, zeroPoint } = integer.tensors.get(id)!.quant!;
  const port = integer.inputs[0]!;
  const size = wanted.length / 32;
  for (let i = 0; i < 32; i++) {
    const x = inputQuantizer(integer, port)(data.batch(i, i + 1), 1);
    const y = runReference(integer, new Map([[port.tensor, x]])).get(id)!;
    y.forEach((q, k) => {
      sums[k % channels]! += (scale[0]! * (q - zeroPoint) - wanted[i * size + k]!) / (wanted.length / channels);
    });
  }
  return sums.reduce((a, b) => a + Math.abs(b), 0) / channels;
}
