import { describe, expect, it } from 'vitest';
import {
  expectFaithful,
  importError,
  int64,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
} from '../onnx/model-helper.ts';
import { check, combinations, named } from './check-cases.ts';

/** Reductions, indices and LRN against ONNX Runtime. */

const reductions = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp'];

function reduce(op: string, x: number[], axes: number[] | undefined, keepdims: number, opset = 18): ModelSpec {
  const asInput = opset >= 18 || (op === 'ReduceSum' && opset >= 13);
  return {
    inputs: { x },
    nodes: [
      {
        op,
        inputs: asInput && axes ? ['x', 'axes'] : ['x'],
        attributes: { keepdims, axes: asInput ? undefined : axes },
      },
    ],
    constants: axes && asInput ? { axes: int64(...axes) } : {},
    opset,
  };
}

describe('reductions', () => {
  const shapes: readonly (readonly [number[], (number[] | undefined)[]])[] = [
    [
      [1, 3, 4, 5],
      [[2, 3], [2], [-1], [1], [1, 2], [1, 3], [1, 2, 3], [0, 2], undefined],
    ],
    [
      [1, 3, 7],
      [[2], [1], [1, 2]],
    ],
    [
      [4, 6],
      [[0], [1], undefined],
    ],
    [
      [2, 3, 2, 2, 3],
      [[1, 3], [4], [0, 1, 2]],
    ],
    [[9], [[0]]],
  ];
  for (const [shape, axes] of shapes) {
    describe(`of ${shape.join('×')}`, () => {
      check(
        named(combinations({ op: reductions, axes, keepdims: [0, 1] }), (c) => reduce(c.op, shape, c.axes, c.keepdims)),
      );
    });
  }
  check({
    'axes as an attribute': reduce('ReduceMean', [1, 3, 4, 5], [1, 3], 0, 13),
    'ReduceSum before opset 13': reduce('ReduceSum', [1, 3, 4, 5], [2, 3], 1, 11),
    ReduceSumSquare: reduce('ReduceSumSquare', [1, 3, 4, 5], [1], 1),
    'the logarithm of a sum': {
      inputs: { x: [1, 3, 4] },
      nodes: [
        { op: 'Exp', inputs: ['x'] },
        { op: 'ReduceLogSum', inputs: ['n0'] },
      ],
    },
    'ReduceMax before opset 18': reduce('ReduceMax', [1, 3, 4, 5], [2, 3], 1, 13),
    'no axes, and nothing to do': {
      inputs: { x: [2, 3] },
      nodes: [{ op: 'ReduceSum', inputs: ['x'], attributes: { noop_with_empty_axes: 1 } }],
    },
  });
  it('over space are pools', async () => {
    const { optimized } = await expectFaithful({
      inputs: { x: [1, 3, 6, 6] },
      nodes: [
        { op: 'Conv', inputs: ['x', 'w'] },
        { op: 'ReduceMax', inputs: ['n0'], attributes: { axes: [2, 3], keepdims: 0 } },
        { op: 'ReduceSum', inputs: ['n0', 'axes'], attributes: { keepdims: 0 } },
        { op: 'Add', inputs: ['n1', 'n2'] },
      ],
      constants: { w: random([5, 3, 3, 3], 1), axes: int64(-1, -2) },
      opset: 13,
    });
    expect(kinds(optimized).filter((k) => k !== 'reshape')).toEqual(['conv2d', 'maxPool', 'averagePool', 'add']);
  });
});

describe('ReduceMean', () => {
  const image = [1, 6, 9, 8];
  const mean = (axes: number[], keepdims: number, x = image, opset = 13): ModelSpec =>
    reduce('ReduceMean', x, axes, keepdims, opset);
  check({
    'height and width': mean([2, 3], 1),
    'without keepdims': mean([-1, -2], 0),
    'height only': mean([2], 1),
    'width only, without keepdims': mean([3], 0),
    'channels-last': mean([1, 2], 0),
    '1-D': mean([2], 0, [1, 6, 10]),
    '1-D channels-last': mean([1], 1, [1, 10, 6]),
    'axes as input': mean([2, 3], 0, image, 18),
  });
});

describe('ArgMax and ArgMin', () => {
  const index = (op: string, x: number[], attributes: NodeSpec['attributes']): ModelSpec => ({
    inputs: { x },
    nodes: [{ op, inputs: ['x'], attributes }],
  });
  check(
    named(
      combinations({
        op: ['ArgMax', 'ArgMin'],
        axis: [0, 1, -1, 2],
        keepdims: [0, 1],
        select_last_index: [0, 1],
        shape: [
          [1, 5, 4, 3],
          [2, 3, 4],
        ],
      }),
      ({ op, shape, ...attributes }) => index(op, shape, attributes),
    ),
  );
  check({
    'of scores': index('ArgMax', [1, 10], { axis: 1 }),
    'of a map': {
      inputs: { x: [1, 3, 4, 4] },
      nodes: [
        { op: 'Conv', inputs: ['x', 'w'] },
        { op: 'ArgMax', inputs: ['n0'], attributes: { axis: 1, keepdims: 0 } },
      ],
      constants: { w: random([6, 3, 1, 1], 1) },
    },
  });
  it('refuse more than 256 elements', async () => {
    const error = await importError(index('ArgMax', [1, 1000], { axis: 1 }));
    expect(error).toMatchObject({ code: 'unsupported-operator', message: 'an index of 1000 elements' });
  });
});

describe('LRN', () => {
  const lrn = (x: number[], attributes: NodeSpec['attributes']): ModelSpec => ({
    inputs: { x },
    nodes: [{ op: 'LRN', inputs: ['x'], attributes }],
  });
  const [alpha, beta, bias] = [{ float: 0.7 }, { float: 0.5 }, { float: 2 }];
  check({
    defaults: lrn([1, 8, 3, 4], { size: 5 }),
    'all attributes': lrn([1, 8, 3, 4], { size: 3, alpha, beta, bias }),
    'wider than the channels': lrn([1, 3, 3, 4], { size: 9, alpha }),
  });
});
