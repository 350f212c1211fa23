import { describe, expect, it } from 'vitest';
import { erf } from '../../src/ops/unary-functions.ts';
import { type ModelSpec, type NodeSpec, scalar } from '../onnx/model-helper.ts';
import { check, named } from './check-cases.ts';

/** Functions of one tensor against ONNX Runtime. */

const image = [1, 4, 5, 6];
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
