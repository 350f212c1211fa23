import { describe, expect, it } from 'vitest';
import { erf, evaluateUnary } from '../../src/ops/unary-functions.ts';
import { expectFaithful, kinds, type NodeSpec, random, scalar } from '../onnx/model-helper.ts';

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
