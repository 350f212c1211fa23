import { describe } from 'vitest';
import { type ModelSpec, type NodeSpec, random } from '../onnx/model-helper.ts';
import { check, combinations, named, positive } from './check-cases.ts';

/** Operators of two tensors against ONNX Runtime. */

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
