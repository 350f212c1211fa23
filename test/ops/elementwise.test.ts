import { describe, expect, it } from 'vitest';
import { erf, evaluateUnary } from '../../src/ops/unary-functions.ts';
import { expectFaithful, kinds, type ModelSpec, type NodeSpec, random, scalar } from '../onnx/model-helper.ts';
import { check, combinations, named, positive } from './check-cases.ts';

/** Operators of two tensors, and functions of one, against ONNX Runtime. */

const image = [1, 4, 5, 6];

describe('two tensors', () => {
  const shapes: readonly (readonly [number[], number[]])[] = [
    [image, image],
    [image, [1, 4, 1, 1]],
    [[1, 4, 1, 1], image],
    [image, [4, 1, 1]],
    [image, [5, 6]],
    [image, [1]],
    [image, [1, 1, 5, 1]],
    [image, [6]],
    [
      [1, 4, 1, 6],
      [1, 1, 5, 1],
    ],
    [
      [2, 1],
      [1, 3],
    ],
    [[7], [7]],
    [[1, 3, 4], [4]],
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    [
      [1, 2, 3, 4, 5],
      [3, 1, 1],
    ],
  ];
  const binary = (op: string, a: number[], b: number[]): ModelSpec => ({
    inputs: { a, b },
    nodes: [{ op, inputs: ['a', 'b'] }],
  });
  check(
    named(combinations({ op: ['Add', 'Sub', 'Mul', 'Max', 'Min'], shape: shapes }), ({ op, shape: [a, b] }) =>
      binary(op, a, b),
    ),
  );
  // Behind convolutions, so that the operands come channels-last.
  const behind = (op: string, b: readonly number[], opset = 17): ModelSpec => ({
    inputs: { x: [1, 3, 5, 6], b },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'] },
      { op, inputs: ['n0', 'b'] },
      { op: 'Relu', inputs: ['n1'] },
      { op: 'Conv', inputs: ['n2', 'v'] },
    ],
    constants: { w: random([4, 3, 1, 1], 1), v: random([4, 4, 1, 1], 2) },
    opset,
  });
  check(
    named(
      combinations({
        op: ['Add', 'Mul', 'Sub', 'Max'],
        b: [
          [1, 4, 1, 1],
          [4, 1, 1],
          [5, 6],
          [1, 1, 1, 6],
        ],
      }),
      (c) => behind(c.op, c.b),
    ),
  );
  const constant = (op: string, c: number[], side: number, x = image): ModelSpec => ({
    inputs: { x },
    nodes: [{ op, inputs: side === 0 ? ['c', 'x'] : ['x', 'c'] }],
    constants: { c: op === 'Div' ? positive(c) : random(c, 3) },
  });
  check(
    named(
      combinations({
        op: ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'],
        c: [[1], [], [4, 1, 1], [6], [5, 1], [4, 5, 6], [1, 4, 5, 6], [3, 4, 5, 6]],
        side: [0, 1],
      }),
      // A constant divided by a tensor reaches infinity with random values: below.
      ({ op, c, side }) => (op === 'Div' && side === 0 ? undefined : constant(op, c, side)),
    ),
  );
  const exponential = (...nodes: NodeSpec[]): ModelSpec => ({
    inputs: { x: image, y: image },
    nodes: [{ op: 'Exp', inputs: ['x'] }, ...nodes],
    constants: { c: random([4, 1, 1], 3) },
  });
  check({
    'a quotient of tensors': exponential({ op: 'Div', inputs: ['y', 'n0'] }),
    'constants divided': exponential({ op: 'Div', inputs: ['c', 'n0'] }),
    'a sum of three': exponential({ op: 'Sum', inputs: ['x', 'n0', 'y'] }),
    'a mean of three': exponential({ op: 'Mean', inputs: ['x', 'n0', 'y'] }),
    'a sum of one': exponential({ op: 'Sum', inputs: ['n0'] }),
    'the largest of three, a constant among them': exponential({ op: 'Max', inputs: ['c', 'n0', 'y'] }),
    'the smallest of one': exponential({ op: 'Min', inputs: ['n0'] }),
  });
});

describe('PRelu', () => {
  const prelu = (x: number[], slope: number[]): ModelSpec => ({
    inputs: { x },
    nodes: [{ op: 'PRelu', inputs: ['x', 'c'] }],
    constants: { c: random(slope, 5) },
  });
  check({
    'per channel': prelu(image, [4, 1, 1]),
    'one slope': prelu(image, [1]),
    '1-D': prelu([1, 4, 9], [4, 1]),
    'last axis': prelu([2, 9], [9]),
    'channels-last': prelu([1, 5, 6, 4], [4]),
  });
});

const plain = [
  'Abs',
  'Asinh',
  'Atan',
  'Cosh',
  'Sinh',
  'Tan',
  'Ceil',
  'Cos',
  'Erf',
  'Exp',
  'Floor',
  'Neg',
  'Round',
  'Sigmoid',
  'Sign',
  'Sin',
  'Softplus',
];

describe('functions', () => {
  const unary = (op: string, attributes: NodeSpec['attributes'] = {}, opset = 17): ModelSpec => ({
    inputs: { x: image },
    nodes: [{ op, inputs: ['x'], attributes }],
    opset,
  });
  check(named([...plain, 'Softsign', 'Tanh', 'HardSwish', 'Elu', 'Selu', 'Celu'], (op) => unary(op)));
  check({
    'Gelu, exact': unary('Gelu', {}, 20),
    'Gelu, approximate': unary('Gelu', { approximate: 'tanh' }, 20),
    Mish: unary('Mish', {}, 18),
    'Elu with alpha': unary('Elu', { alpha: { float: 1.7 } }),
    'Celu with alpha': unary('Celu', { alpha: { float: 2.5 } }),
    'Selu with both': unary('Selu', { alpha: { float: 1.7 }, gamma: { float: 0.7 } }),
    ThresholdedRelu: unary('ThresholdedRelu', { alpha: { float: 0.4 } }),
    Shrink: unary('Shrink', { lambd: { float: 0.4 } }),
  });
  const squared = (op: string, constants: ModelSpec['constants'] = {}, inputs: string[] = []): ModelSpec => ({
    inputs: { x: image },
    nodes: [
      { op: 'Mul', inputs: ['x', 'x'] },
      { op: 'Add', inputs: ['n0', 'one'] },
      { op, inputs: ['n1', ...inputs] },
    ],
    constants: { one: scalar(1), ...constants },
  });
  check({
    Sqrt: squared('Sqrt'),
    Log: squared('Log'),
    Acosh: squared('Acosh'),
    Reciprocal: squared('Reciprocal'),
    Pow: squared('Pow', { p: scalar(-0.75) }, ['p']),
  });

  const inside = (op: string): ModelSpec => ({
    inputs: { x: image },
    nodes: [
      { op: 'Tanh', inputs: ['x'] },
      { op, inputs: ['n0'] },
    ],
  });
  check(named(['Acos', 'Asin', 'Atanh'], inside));

  it('include an error function of 15 digits', () => {
    for (const [x, y] of [
      [0.1, 0.1124629160182849],
      [1, 0.8427007929497149],
      [2.4, 0.9993114861033549],
      [2.6, 0.9997639655834707],
      [4, 0.9999999845827421],
    ] as const) {
      expect(erf(x)).toBeCloseTo(y, 14);
      expect(erf(-x)).toBeCloseTo(-y, 14);
    }
  });
});

describe('functions of one tensor become one table', () => {
  const expectOne = async (nodes: readonly NodeSpec[], expected: readonly string[] = ['conv2d', 'unary']) => {
    const { optimized } = await expectFaithful({
      inputs: { x: [1, 3, 5, 6] },
      nodes: [{ op: 'Conv', inputs: ['x', 'w'] }, ...nodes],
      constants: {
        w: random([4, 3, 1, 1], 1),
        half: scalar(0.5),
        one: scalar(1),
        three: scalar(3),
        six: scalar(6),
        zero: scalar(0),
        root: scalar(Math.SQRT2),
      },
    });
    expect(kinds(optimized)).toEqual(expected);
    return optimized;
  };
  it('SiLU', () =>
    expectOne([
      { op: 'Sigmoid', inputs: ['n0'] },
      { op: 'Mul', inputs: ['n0', 'n1'] },
    ]));
  it('hard swish in parts', () =>
    expectOne([
      { op: 'Add', inputs: ['n0', 'three'] },
      { op: 'Clip', inputs: ['n1', 'zero', 'six'] },
      { op: 'Mul', inputs: ['n0', 'n2'] },
      { op: 'Div', inputs: ['n3', 'six'] },
    ]));
  it('GELU in parts', async () => {
    const graph = await expectOne([
      { op: 'Div', inputs: ['n0', 'root'] },
      { op: 'Erf', inputs: ['n1'] },
      { op: 'Add', inputs: ['n2', 'one'] },
      { op: 'Mul', inputs: ['n0', 'n3'] },
      { op: 'Mul', inputs: ['n4', 'half'] },
    ]);
    const op = graph.nodes[1]!.op;
    if (op.kind !== 'unary') throw new Error(op.kind);
    for (const x of [-3, -0.4, 0, 1.3])
      expect(evaluateUnary(op.fn, x)).toBeCloseTo(0.5 * x * (1 + erf(x / Math.SQRT2)), 6);
  });
  it('a square, and what follows it', () =>
    expectOne([
      { op: 'Mul', inputs: ['n0', 'n0'] },
      { op: 'Sqrt', inputs: ['n1'] },
    ]));
  it('but a ReLU stays in the convolution', () =>
    expectOne([
      { op: 'Relu', inputs: ['n0'] },
      { op: 'Tanh', inputs: ['n1'] },
    ]));
  it('and a function that others read stays', () =>
    expectOne(
      [
        { op: 'Sigmoid', inputs: ['n0'] },
        { op: 'Tanh', inputs: ['n1'] },
        { op: 'Concat', inputs: ['n1', 'n2'], attributes: { axis: 1 } },
      ],
      ['conv2d', 'unary', 'unary', 'concat'],
    ));
});
