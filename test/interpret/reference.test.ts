import { describe, expect, it } from 'vitest';
import type { Clamp, Graph, Node, Op, QuantParams, Shape } from '../../src/graph/types.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { addMultipliers } from '../../src/ops/quantized.ts';
import { isSoftmaxGrid } from '../../src/ops/softmax.ts';
import { softmaxTable, unaryTable } from '../../src/ops/tables.ts';
import { QuantizedGraphBuilder, quant } from '../helpers/quantized-graph.ts';

/** Small cases computed by hand. */

interface Operand {
  readonly shape: Shape;
  readonly quant: QuantParams;
  readonly values: readonly number[];
}

function run(
  op: Op,
  inputs: readonly Operand[],
  output: QuantParams,
  constants: readonly (readonly [Shape, Int8Array | Int32Array, QuantParams?])[] = [],
): number[] {
  const b = new QuantizedGraphBuilder('case');
  const activations = inputs.map((i) => b.input(i.shape, i.quant));
  const rest = constants.map(([shape, data, q]) => b.constant(shape, data, q));
  const y = b.node(op, [...activations, ...rest], output);
  b.output(y);
  const values = new Map(activations.map((id, i) => [id, Int8Array.from(inputs[i]!.values)]));
  return [...runReference(b.build(), values).get(y)!];
}

const unit = quant(1, 0);
const accumulator = { bits: 32, lanes: 1, step: 1, runLength: 1, segments: [1] };
const integer = { requant: 'fixed', accumulator, mode: 'proven' } as const;

function weights(scale: readonly number[]): QuantParams {
  return { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
}

describe('conv2d', () => {
  const base = { kind: 'conv2d', strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1, integer } as const;

  it('pads with the zero point, adds the bias and rounds halves up', () => {
    // x − zp = 1 2 3; kernel 1×3 of (1, 2, 3), pads 1: sums 8, 14, 8; plus bias 1: 9, 15, 9; times 1/2: 4.5, 7.5, 4.5.
    const x = { shape: [1, 1, 3, 1], quant: quant(1, -5), values: [-4, -3, -2] };
    const w = [[1, 1, 3, 1], Int8Array.of(1, 2, 3), weights([1])] as const;
    const y = run({ ...base, pads: [0, 1, 0, 1] }, [x], quant(2, 10), [w, [[1], Int32Array.of(1)]]);
    expect(y).toEqual([15, 18, 15]);
  });

  it('has one multiplier a channel', () => {
    const x = { shape: [1, 1, 1, 2], quant: unit, values: [10, 20] };
    const w = [[2, 1, 1, 2], Int8Array.of(1, 1, -1, 2), weights([1, 0.25])] as const;
    expect(run(base, [x], unit, [w, [[2], Int32Array.of(0, 2)]])).toEqual([30, 8]);
  });

  it('strides, dilates and groups', () => {
    const x = { shape: [1, 1, 5, 2], quant: unit, values: [1, 10, 2, 20, 3, 30, 4, 40, 5, 50] };
    const w = [[2, 1, 2, 1], Int8Array.of(1, 1, 1, -1), weights([1, 1])] as const;
    const op = { ...base, strides: [1, 2], dilations: [1, 2], groups: 2 } as const;
    expect(run(op, [x], unit, [w, [[2], new Int32Array(2)]])).toEqual([4, -20, 8, -20]);
  });

  it('reaches −128 · −128 and saturates at the clamp', () => {
    const x = { shape: [1, 1, 1, 1], quant: unit, values: [-128] };
    const w = [[1, 1, 1, 1], Int8Array.of(-128), { ...weights([1]), qmin: -128 }] as const;
    const bias = [[1], Int32Array.of(0)] as const;
    expect(run(base, [x], quant(1024, 0), [w, bias])).toEqual([16]);
    expect(run(base, [x], unit, [w, bias])).toEqual([127]);
    const clamp: Clamp = { lo: 0, hi: 6 };
    expect(run({ ...base, clamp }, [x], quant(0.5, -100), [w, bias])).toEqual([-88]);
  });
});

describe('fullyConnected', () => {
  it('is a dot product for each row', () => {
    const x = { shape: [2, 2], quant: quant(1, 1), values: [2, 3, 4, 5] };
    const w = [[2, 2], Int8Array.of(1, 2, 3, -4), weights([1, 1])] as const;
    const y = run({ kind: 'fullyConnected', integer }, [x], quant(1, -2), [w, [[2], Int32Array.of(0, 1)]]);
    expect(y).toEqual([3, -6, 9, -8]);
  });
});

describe('maxPool', () => {
  it('takes the largest step; padding never wins', () => {
    const x = { shape: [1, 2, 2, 1], quant: unit, values: [-9, -8, -7, -6] };
    const op = { kind: 'maxPool', kernel: [2, 2], strides: [1, 1], pads: [1, 1, 0, 0], dilations: [1, 1] } as const;
    expect(run(op, [x], unit)).toEqual([-9, -8, -7, -6]);
  });

  it('needs one quantization', () => {
    const x = { shape: [1, 1, 1, 1], quant: unit, values: [0] };
    const op = { kind: 'maxPool', kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
    expect(() => run(op, [x], quant(2, 0))).toThrow('must have one quantization');
  });
});

describe('averagePool', () => {
  const base = { kind: 'averagePool', kernel: [1, 2], strides: [1, 1], pads: [0, 1, 0, 1], ceilExtra: [0, 0] } as const;
  const x = { shape: [1, 1, 3, 1], quant: quant(1, 2), values: [12, 15, 4] };

  it('divides by the positions inside the input', () => {
    // x − zp = 10 13 2
    expect(run({ ...base, countIncludePad: false }, [x], quant(1, 0))).toEqual([10, 12, 8, 2]);
  });

  it('or by the padding, too', () => {
    expect(run({ ...base, countIncludePad: true }, [x], quant(1, 0))).toEqual([5, 12, 8, 1]);
  });

  it('never counts the rest of ceil_mode', () => {
    const op = { ...base, pads: [0, 0, 0, 0], strides: [1, 2], ceilExtra: [0, 1], countIncludePad: true } as const;
    expect(run(op, [x], quant(1, 0))).toEqual([12, 2]);
  });
});

describe('add', () => {
  it('weighs the operands by their steps', () => {
    const a = { shape: [1, 2], quant: quant(1, 1), values: [11, -9] };
    const b = { shape: [1, 2], quant: quant(0.5, -1), values: [4, 0] };
    // 10 + 2.5 and −10 + 0.5, in steps of 2 from 3
    expect(run({ kind: 'add' }, [a, b], quant(2, 3))).toEqual([9, -2]);
    expect(run({ kind: 'add', clamp: { lo: 0, hi: Infinity } }, [a, b], quant(2, 3))).toEqual([9, 3]);
  });

  it.each([1, 0.99999, 0.5, 3.7, 2 ** -20])('has a multiplier in [2^13, 2^14) for a ratio of %d', (ratio) => {
    const tensor = (id: string, scale: number) => ({ id, shape: [1], dtype: 'int8', quant: quant(scale, 0) }) as const;
    const { multipliers, shift } = addMultipliers(
      { kind: 'add' },
      [tensor('a', ratio), tensor('b', ratio / 3)],
      tensor('y', 1),
    );
    if (shift < 31) expect(multipliers[0] >= 2 ** 13 && multipliers[0] < 2 ** 14).toBe(true);
    expect(Math.abs(multipliers[0] / 2 ** shift / Math.fround(ratio) - 1)).toBeLessThan(shift < 31 ? 2 ** -14 : 1);
    expect(multipliers[1]).toBeLessThanOrEqual(multipliers[0] / 3 + 1);
  });
});

describe('concat, pad, reshape, transpose', () => {
  const a = { shape: [1, 2, 1, 2], quant: unit, values: [1, 2, 3, 4] };

  it('join along an axis', () => {
    const b = { shape: [1, 2, 1, 1], quant: unit, values: [8, 9] };
    expect(run({ kind: 'concat', axis: 3 }, [a, b], unit)).toEqual([1, 2, 8, 3, 4, 9]);
    expect(run({ kind: 'concat', axis: 1 }, [a, a], unit)).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('surround with the step of the value', () => {
    const x = { shape: [1, 2], quant: quant(0.5, 10), values: [1, 2] };
    expect(run({ kind: 'pad', pads: [0, 1, 0, 2], value: 1 }, [x], quant(0.5, 10))).toEqual([12, 1, 2, 12, 12]);
    expect(run({ kind: 'pad', pads: [1, 0, 0, 1], value: 0 }, [x], quant(0.5, 10))).toEqual([10, 10, 10, 1, 2, 10]);
  });

  it('keep or move the steps', () => {
    expect(run({ kind: 'reshape', shape: [1, 4] }, [a], unit)).toEqual([1, 2, 3, 4]);
    expect(run({ kind: 'transpose', perm: [0, 3, 1, 2] }, [a], unit)).toEqual([1, 3, 2, 4]);
  });
});

describe('unary', () => {
  it('is a table, halves to even, clamped to the output', () => {
    const table = unaryTable({ name: 'identity' }, quant(0.5, 0), { scale: [1], zeroPoint: 0, qmin: -8, qmax: 7 });
    expect([1, 2, 3, 5, -1, -3, 100, -128].map((q) => table[q + 128])).toEqual([0, 1, 2, 2, 0, -2, 7, -8]);
  });

  it.each([
    ['clip', { name: 'clip', lo: -1, hi: 2 }, [-1, -1, 0, 1, 2]],
    ['leakyRelu', { name: 'leakyRelu', alpha: 0.25 }, [-1, -0.25, 0, 1, 4]],
    ['sigmoid', { name: 'sigmoid' }, [0.018, 0.269, 0.5, 0.731, 0.982]],
    ['tanh', { name: 'tanh' }, [-0.999, -0.762, 0, 0.762, 0.999]],
    ['hardSigmoid', { name: 'hardSigmoid', alpha: 0.2, beta: 0.5 }, [0, 0.3, 0.5, 0.7, 1]],
    ['hardSwish', { name: 'hardSwish' }, [0, -0.333, 0, 0.667, 4]],
  ] as const)('%s', (_, fn, expected) => {
    const x = { shape: [1, 5], quant: unit, values: [-4, -1, 0, 1, 4] };
    const y = run({ kind: 'unary', fn }, [x], quant(1 / 16, 0));
    y.forEach((q, i) => {
      expect(Math.abs(q / 16 - expected[i]!)).toBeLessThanOrEqual(1 / 32 + 0.001);
    });
  });
});

describe('softmax', () => {
  const y = quant(1 / 256, -128);

  it('is in steps of 1/256 from −128, one saturated', () => {
    const x = { shape: [1, 4], quant: quant(1, 3), values: [127, 0, 0, 0] };
    expect(run({ kind: 'softmax', axis: 1 }, [x], y)).toEqual([127, -128, -128, -128]);
    expect(run({ kind: 'softmax', axis: 1 }, [{ ...x, values: [5, 5, 5, 5] }], y)).toEqual([-64, -64, -64, -64]);
  });

  it('runs along its axis', () => {
    const x = { shape: [1, 2, 2], quant: quant(Math.log(3), 0), values: [1, 0, 0, 0] };
    expect(run({ kind: 'softmax', axis: 1 }, [x], y)).toEqual([64, 0, -64, 0]);
    expect(run({ kind: 'softmax', axis: 2 }, [x], y)).toEqual([64, -64, 0, 0]);
  });

  it('has a table that starts at 2^14', () => {
    const tensor = (q: QuantParams) => ({ id: 't', shape: [1], dtype: 'int8', quant: q }) as const;
    const table = softmaxTable(tensor(quant(Math.LN2, 0)));
    expect([...table.slice(0, 4)]).toEqual([16384, 8192, 4096, 2048]);
    expect(isSoftmaxGrid(y, undefined)).toBe(true);
    expect(isSoftmaxGrid(unit, undefined)).toBe(false);
  });
});

describe('runReference', () => {
  it('refuses float graphs and wrong sizes', () => {
    const b = new QuantizedGraphBuilder('x');
    b.output(b.node({ kind: 'add' }, [b.input([1, 2]), b.input([1, 2])]));
    const graph = b.build();
    const inputs = (n: number) => new Map(graph.inputs.map((p) => [p.tensor, new Int8Array(n)]));
    expect(() => runReference(graph, inputs(3))).toThrow('3 values for x0, which is 1×2');
    expect(() => runReference(graph, new Map())).toThrow('value of input x0 is missing');
    const affine: Graph = { ...graph, nodes: graph.nodes.map((n): Node => ({ ...n, op: { kind: 'affine' } })) };
    expect(() => runReference(affine, inputs(2))).toThrow('affine has no integer meaning');
  });
});
