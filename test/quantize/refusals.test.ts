import { describe, expect, it } from 'vitest';
import { inputsOf, withTensors } from '../../src/graph/build.ts';
import type { AccumulatorModel, Graph, Node, Tensor } from '../../src/graph/types.ts';
import { certify, isReductionNode } from '../../src/proof/certify.ts';
import { checkQuantized } from '../../src/quantize/check.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { datasetOf, mixedNetwork, Network, noise } from './networks.ts';

describe('calibration data', () => {
  const graph = mixedNetwork();
  const sample = (value: number) => new Float32Array(192).fill(value);

  it.each([
    ['no samples', datasetOf(192, []), { code: 'no-samples', message: 'The data holds no samples.' }],
    [
      'samples of another size',
      datasetOf(10, [new Float32Array(10)]),
      { code: 'data-shape', message: 'The data has 10 values a sample, but the model takes 1×8×8×3: 192.' },
    ],
    [
      'NaN',
      datasetOf(192, [sample(0), sample(Number.NaN)]),
      { code: 'data-not-finite', message: 'A sample holds NaN or infinity.', place: '2 samples of a test' },
    ],
    [
      'values that overflow the float network',
      datasetOf(192, [sample(3e38)]),
      {
        code: 'activation-not-finite',
        message: 'The float network gives NaN or infinity on the calibration data 1 samples of a test.',
        place: 'node "conv2d0" (conv2d)',
      },
    ],
  ])('is refused: %s', async (_, data, expected) => {
    await expect(quantize(graph, data)).rejects.toMatchObject({ kind: 'reject', ...expected });
  });

  it('is used evenly at random: fewer samples than there are give other statistics, always the same', async () => {
    const data = noise(graph, 40);
    const [few, again, all] = [
      await quantize(graph, data, { samples: 8 }),
      await quantize(graph, data, { samples: 8 }),
      await quantize(graph, data),
    ];
    expect(few).toEqual(again);
    expect(few.graph).not.toEqual(all.graph);
  });
});

describe('networks', () => {
  it('with operators that have no integer form are refused, all named', async () => {
    const n = new Network('refused');
    const x = n.input([1, 4]);
    const scaled = n.node({ kind: 'affine' }, [x, n.constant([4], 1), n.constant([4], 1)]);
    const quant = { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 };
    const rounded = n.node({ kind: 'fakeQuant', quant }, [scaled]);
    const graph = n.build(n.node({ kind: 'add' }, [rounded, n.constant([1, 4], 1)]));
    await expect(quantize(graph, noise(graph, 1))).rejects.toMatchObject({
      kind: 'unsupported',
      code: 'not-quantizable',
      message: '2 operators have no integer form here.',
      details: [
        'node "affine0" (affine): it could not be folded into a layer with weights',
        'node "fakeQuant1" (fakeQuant): the network is quantized already',
      ],
    });
  });

  it('with sums that cancel are refused, not computed from nothing', async () => {
    const n = new Network('cancels');
    const x = n.input([1, 4]);
    const same = n.node({ kind: 'unary', fn: { name: 'linear', scale: 1, shift: 1e-6 } }, [x]);
    const graph = n.build(n.node({ kind: 'add', subtract: true }, [same, x]));
    await expect(quantize(graph, noise(graph, 1))).rejects.toMatchObject({
      kind: 'unsupported',
      code: 'not-quantizable',
      message: 'One operator has no integer form on these data.',
    });
  });

  it('with two inputs need samples of both', async () => {
    const n = new Network('two');
    const graph = n.build(n.node({ kind: 'add' }, [n.input([1, 4], 'a'), n.input([1, 4], 'b')]));
    const { others: _, ...first } = noise(graph, 1);
    await expect(quantize(graph, first)).rejects.toMatchObject({ code: 'data-shape', place: first.describe });
    await expect(quantize(graph, noise(graph, 1))).resolves.toMatchObject({ graph: { name: 'two' } });
  });
});

describe('certify', () => {
  const whole = mixedNetwork();
  const quantized = quantize(whole, noise(whole, 4));

  async function withLayer(name: string, change: (node: Node, graph: Graph) => Graph): Promise<Graph> {
    const { graph } = await quantized;
    return change(graph.nodes.find((n) => n.origin.name === name)!, graph);
  }

  function withModel(graph: Graph, node: Node, change: Partial<AccumulatorModel>): Graph {
    if (!isReductionNode(node) || node.op.integer === undefined) throw new Error('no layer');
    const integer = { ...node.op.integer, accumulator: { ...node.op.integer.accumulator, ...change } };
    const op = { ...node.op, integer } as Node['op'];
    return { ...graph, nodes: graph.nodes.map((n) => (n === node ? { ...n, op } : n)) };
  }

  it('refuses weights that could overflow, from the integers themselves', async () => {
    const graph = await withLayer('conv2d2', (node, g) => {
      const [, w] = inputsOf(g, node) as [Tensor, Tensor];
      return withTensors(g, [{ ...w, data: new Int8Array(w.data!.length).fill(127) }]);
    });
    // 8 products in 8 lanes: one of 127 each fits; a scalar accumulator takes them all.
    const scalar = withModel(graph, graph.nodes.find((n) => n.origin.name === 'conv2d2')!, {
      lanes: 1,
      step: 1,
      segments: [8],
    });
    expect(() => certify(graph)).not.toThrow();
    expect(() => certify(scalar)).toThrow(
      /A sum of output channel 0 can be anything from -?\d+ to \d+: too much for 16 bits/,
    );
  });

  it('refuses accumulators that are not those of the layer', async () => {
    const message = /do not divide the layer's 8 products/;
    for (const change of [{ segments: [2] }, { segments: [1, 1] }, { runLength: 3 }, { segments: [] }]) {
      const graph = await withLayer('conv2d2', (node, g) => withModel(g, node, change));
      expect(() => certify(graph)).toThrow(message);
    }
    const depthwise = await withLayer('conv2d1', (node, g) => withModel(g, node, { lanes: 8, step: 16 }));
    expect(() => certify(depthwise)).toThrow(/do not divide the layer's 9 products/);
  });

  it('refuses sums that the requantizer does not take', async () => {
    const graph = await withLayer('conv2d2', (node, g) => {
      const [x, , b] = inputsOf(g, node) as [Tensor, Tensor, Tensor];
      const coarse = { ...x, quant: { ...x.quant!, scale: [1e6] } };
      return withTensors(g, [coarse, { ...b, data: b.data!.map(() => 2 ** 20) }]);
    });
    expect(() => certify(graph)).toThrow(/its requantization takes ±\d+/);
  });
});

describe('checkQuantized', () => {
  it('finds what is illegal', async () => {
    const float = mixedNetwork();
    expect(() => checkQuantized(float)).toThrow('an activation without quantization');
    const { graph } = await quantize(float, noise(float, 2));
    const spoil = (id: string, change: Partial<Tensor>) =>
      withTensors(graph, [{ ...graph.tensors.get(id)!, ...change }]);
    const quant = graph.tensors.get('add3')!.quant!;
    expect(() => checkQuantized(spoil('add3', { quant: { ...quant, scale: [quant.scale[0]!, 1] } }))).toThrow(
      'several scales',
    );
    expect(() => checkQuantized(spoil('add3', { quant: { ...quant, scale: [0.1] } }))).toThrow('no positive float32');
    expect(() => checkQuantized(spoil('add3', { quant: { ...quant, zeroPoint: 128 } }))).toThrow('with zero point 128');
    expect(() => checkQuantized(spoil('maxPool4', { quant: { ...quant, scale: [1] } }))).toThrow(
      'between two quantizations',
    );
    const softmax = graph.tensors.get('softmax13')!.quant!;
    expect(() => checkQuantized(spoil('softmax13', { quant: { ...softmax, zeroPoint: 0 } }))).toThrow('1/256');
    const [, weights, bias] = graph.nodes[0]!.inputs as [string, string, string];
    expect(() => checkQuantized(spoil(bias, { data: new Float32Array(8) }))).toThrow('not int32');
    expect(() => checkQuantized(spoil(weights, { quant: { ...quant, axis: 0 } }))).toThrow('not int8 with a scale');
  });
});
