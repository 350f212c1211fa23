import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, IntegerReduction, QuantParams } from '../../src/graph/types.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { buildExactModel } from '../../src/interpret/exact-session.ts';
import { runNode, runReference } from '../../src/interpret/reference.ts';
import { runNodeExactly } from '../../src/interpret/run-node.ts';
import type { RequantFormat } from '../../src/numeric/requantize.ts';
import { QuantizedGraphBuilder, quant, someQuant } from '../helpers/quantized-graph.ts';
import { expectExact, randomBatch } from './compare.ts';
import { quantizedKinds, randomCase } from './random-cases.ts';

const seeds = Array.from({ length: 16 }, (_, i) => i);

describe.each(quantizedKinds)('%s', (kind) => {
  it('is bit-equal to the reference on random graphs', async () => {
    const values = new Set<number>();
    for (const seed of seeds) {
      const graph = randomCase(kind, seed);
      const output = await expectExact(graph, randomBatch(graph, 3, 100 * seed), 3);
      for (const q of output) values.add(q);
    }
    // Otherwise everything was clamped to the same few steps, and nothing was tested.
    expect(values.size).toBeGreaterThan(kind === 'argMax' ? 20 : 60);
  });
});

/** A fully connected layer of weights that are all `weight`: its sum is `length · weight · x + bias`. */
function dense(
  length: number,
  weight: number,
  bias: number,
  {
    requant = 'fixed',
    x = quant(0.5, -128),
    y,
    w = 0.25,
  }: { requant?: RequantFormat; x?: QuantParams; y: QuantParams; w?: number },
): Graph {
  const b = new QuantizedGraphBuilder('dense');
  const accumulator = { bits: 32, lanes: 1, step: 1, runLength: length, segments: [length] };
  const integer: IntegerReduction = { requant, accumulator, mode: 'proven' };
  const data = new Int8Array(length).fill(weight);
  const weights = b.constant([1, length], data, { scale: [w], zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 });
  const input = b.input([1, length], x);
  b.output(b.node({ kind: 'fullyConnected', integer }, [input, weights, b.constant([1], Int32Array.of(bias))], y));
  return b.build();
}

function operators(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  const { nodes } = buildExactModel(graph, [graph.outputs[0]!.tensor]).model;
  for (const n of nodes) counts.set(n.opType, (counts.get(n.opType) ?? 0) + 1);
  return counts;
}

describe('sums beyond 2^24', () => {
  it('are split into several products', async () => {
    const graph = dense(3000, 127, -40_000_000, { y: quant(40_000, -128) });
    expect(operators(graph).get('Gemm')).toBe(6);
    await expectExact(graph, randomBatch(graph, 4, 1), 4);
    const ends = Int8Array.from({ length: 6000 }, (_, i) => (i < 3000 ? -128 : 127));
    await expectExact(graph, new Map([[graph.inputs[0]!.tensor, ends]]), 2);
  });

  it('that only the bias makes so large need one product', async () => {
    const graph = dense(100, 3, 2 ** 28 + 1, { y: quant(2 ** 21, -128) });
    expect(operators(graph).get('Gemm')).toBe(1);
    const output = await expectExact(graph, randomBatch(graph, 3, 1), 3);
    expect([...output]).toEqual([-112, -112, -112]);
  });

  it.each(['fixed', 'float32', 'shift'] as const)('round where %s says, to the last bit', async (requant) => {
    // Sums around 2^26 that differ by one, and a multiplier so small that the product needs more than 53 bits.
    const bias = 2 ** 26;
    const x = { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 };
    const y = quant(requant === 'shift' ? 2 ** 20 : 2 ** 20 * 1.0000001, 0);
    const graphs = [-1, 0, 1].map((d) => dense(1, 1, bias + 2 ** 19 + d, { requant, x, y, w: 1 }));
    if (requant === 'fixed') expect(operators(graphs[0]!).get('Floor')).toBe(3); // the two-word form
    for (const graph of graphs) {
      const inputs = Int8Array.from({ length: 256 }, (_, i) => i - 128);
      await expectExact(graph, new Map([[graph.inputs[0]!.tensor, inputs]]), 256, 64);
    }
  });
});

describe('every threshold of a layer', () => {
  it('lies at the same sum', async () => {
    // One input of value 1 selects nothing; the bias alone walks over all sums around each threshold.
    for (const scale of [0.0123, 0.00071, 1 / 512, 2 ** -14 * 1.0001]) {
      const sums = Array.from({ length: 256 }, (_, t) => Math.round((t - 128.5) / scale)).flatMap((a) => [
        a - 1,
        a,
        a + 1,
      ]);
      const b = new QuantizedGraphBuilder('thresholds');
      const accumulator = { bits: 32, lanes: 1, step: 1, runLength: 1, segments: [1] };
      const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
      const scales = sums.map(() => Math.fround(scale));
      const weight = { scale: scales, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
      const w = b.constant([sums.length, 1], new Int8Array(sums.length), weight);
      const bias = b.constant([sums.length], Int32Array.from(sums));
      b.output(b.node({ kind: 'fullyConnected', integer }, [b.input([1, 1], quant(1, 0)), w, bias], quant(1, 0)));
      const graph = b.build();
      const output = await expectExact(graph, randomBatch(graph, 1, 1), 1);
      expect(new Set(output).size).toBe(256);
    }
  });
});

describe('a network of many operators', () => {
  it('agrees in every activation', async () => {
    const b = new QuantizedGraphBuilder('network');
    const random = createRandom(4);
    const accumulator = { bits: 32, lanes: 1, step: 1, runLength: 1, segments: [1] };
    const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
    const layer = (shape: readonly number[], step = 0.002) => {
      const data = Int8Array.from({ length: sizeOf(shape) }, () => random.int(-127, 127));
      const scale = Array.from({ length: shape[0]! }, () => Math.fround(step * (1 + random.float())));
      const w = b.constant(shape, data, { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 });
      return [
        w,
        b.constant(
          [shape[0]!],
          Int32Array.from(scale, () => random.int(-500, 500)),
        ),
      ];
    };
    const conv = {
      kind: 'conv2d',
      strides: [1, 1],
      pads: [1, 1, 1, 1],
      dilations: [1, 1],
      groups: 1,
      integer,
    } as const;
    const pool = { pads: [0, 0, 0, 0], strides: [2, 2], kernel: [2, 2] } as const;
    const q = quant(0.06, -20);
    const x = b.input([1, 8, 8, 16]);
    const left = b.node({ ...conv, clamp: { lo: 0, hi: 6 } }, [x, ...layer([16, 3, 3, 16])], quant(0.03, -128));
    const sum = b.node({ kind: 'add', clamp: { lo: 0, hi: Infinity } }, [left, x], q);
    const right = b.node(conv, [left, ...layer([5, 3, 3, 16])], q);
    const joined = b.node({ kind: 'concat', axis: 3 }, [sum, right], q);
    const small = b.node({ kind: 'maxPool', ...pool, dilations: [1, 1] }, [joined], q);
    const padded = b.node({ kind: 'pad', pads: [0, 1, 0, 0, 0, 0, 1, 0], value: 0.5 }, [small], q);
    const average = { kind: 'averagePool', ...pool, countIncludePad: true, ceilExtra: [1, 1] } as const;
    const mean = b.node(average, [padded], quant(0.05, 3));
    const flat = b.node({ kind: 'reshape', shape: [1, sizeOf(b.shapeOf(mean))] }, [mean], quant(0.05, 3));
    const logits = b.node(
      { kind: 'fullyConnected', integer },
      [flat, ...layer([10, b.shapeOf(flat)[1]!], 0.0004)],
      quant(0.1, 0),
    );
    const y = { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 };
    b.output(b.node({ kind: 'softmax', axis: 1 }, [logits], y));
    b.output(joined);
    const graph = b.build();
    const output = await expectExact(graph, randomBatch(graph, 5, 1), 5);
    expect(new Set(output).size).toBeGreaterThan(10);
  });
});

describe('large planes', () => {
  it('are averaged in float64', async () => {
    const b = new QuantizedGraphBuilder('plane');
    const none = { pads: [0, 0, 0, 0], ceilExtra: [0, 0], strides: [1, 1], countIncludePad: false } as const;
    const x = b.input([1, 300, 300, 1], quant(1, -128));
    b.output(b.node({ kind: 'averagePool', kernel: [300, 300], ...none }, [x], quant(0.9, -100)));
    const graph = b.build();
    const full = new Int8Array(90_000).fill(127);
    full[5] = -128;
    await expectExact(graph, new Map([[graph.inputs[0]!.tensor, full]]), 1);
  });
});

describe('a graph that does not keep its first axis', () => {
  it('runs sample by sample', async () => {
    const b = new QuantizedGraphBuilder('transposed');
    const x = b.input([4, 6], someQuant);
    const y = b.node({ kind: 'transpose', perm: [1, 0] }, [x]);
    b.output(b.node({ kind: 'softmax', axis: 0 }, [y], { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 }));
    const graph = b.build();
    await expectExact(graph, randomBatch(graph, 3, 9), 3);
  });
});

describe('createExactEvaluator', () => {
  const graph = randomCase('conv2d', 1);
  const input = graph.inputs[0]!.tensor;

  it('returns the outputs where nothing else is asked for', async () => {
    const evaluator = await createExactEvaluator(graph);
    const result = await evaluator.run(randomBatch(graph, 2, 5), 2);
    expect([...result.keys()]).toEqual([graph.outputs[0]!.tensor]);
    await evaluator.release();
  });

  it('refuses values of another size', async () => {
    const evaluator = await createExactEvaluator(graph);
    await expect(evaluator.run(new Map([[input, new Int8Array(5)]]), 1)).rejects.toThrow('5 values for 1 samples of');
    await evaluator.release();
  });
});

describe('runNodeExactly', () => {
  it('runs one node of a network on several samples', async () => {
    const b = new QuantizedGraphBuilder('two');
    const x = b.input([1, 3, 3, 4]);
    const sum = b.node({ kind: 'add' }, [x, x], quant(0.08, 5));
    b.output(b.node({ kind: 'unary', fn: { name: 'tanh' } }, [sum], quant(1 / 128, 0)));
    const graph = b.build();
    const inputs = randomBatch(graph, 2, 3);
    const node = graph.nodes[0]!;
    const actual = await runNodeExactly(graph, node, inputs, 2);
    const size = sizeOf([1, 3, 3, 4]);
    for (const i of [0, 1]) {
      const sample = new Map([[x, inputs.get(x)!.slice(i * size, (i + 1) * size)]]);
      expect(actual.slice(i * size, (i + 1) * size)).toEqual(runNode(graph, node, sample));
      expect(actual.slice(i * size, (i + 1) * size)).toEqual(runReference(graph, sample).get(sum));
    }
  });
});
