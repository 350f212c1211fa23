import { describe, expect, it } from 'vitest';
import { expectFaithful, int64, kinds, type ModelSpec, type NodeSpec, random } from '../onnx/model-helper.ts';
import { check, combinations, named } from './check-cases.ts';

/** Operators that move values, against ONNX Runtime. */

const image = [1, 4, 6, 8];

describe('Slice', () => {
  const slice = (
    x: number[],
    parts: { starts: number[]; ends: number[]; axes?: number[] | undefined; steps?: number[] | undefined },
  ): ModelSpec => ({
    inputs: { x },
    nodes: [
      {
        op: 'Slice',
        inputs: ['x', 'starts', 'ends', parts.axes ? 'axes' : '', ...(parts.steps ? ['steps'] : [])],
      },
    ],
    constants: Object.fromEntries(
      Object.entries(parts).flatMap(([name, values]) => (values === undefined ? [] : [[name, int64(...values)]])),
    ),
  });
  check(
    named(
      combinations({
        axes: [[1], [2], [-1], [2, 3], [1, -2]],
        start: [0, 1, -5],
        end: [4, -1, 100],
        step: [1, 2, 3],
      }),
      ({ axes, start, end, step }) =>
        slice(image, {
          starts: axes.map(() => start),
          ends: axes.map(() => end),
          axes,
          steps: axes.map(() => step),
        }),
    ),
  );
  check({
    'all axes': slice([5, 6], { starts: [1, 2], ends: [4, 5] }),
    backwards: slice(image, { starts: [-1, 3], ends: [-100, 0], axes: [3, 2], steps: [-2, -1] }),
    'backwards from the middle': slice(image, { starts: [4], ends: [1], axes: [2], steps: [-1] }),
    'opset 9': {
      inputs: { x: image },
      nodes: [{ op: 'Slice', inputs: ['x'], attributes: { starts: [1, 0], ends: [3, -2], axes: [2, 3] } }],
      opset: 9,
    },
    'rank 3': slice([1, 6, 9], { starts: [2], ends: [8], axes: [2] }),
    'every second pixel, joined as channels': {
      inputs: { x: image },
      nodes: [
        { op: 'Slice', inputs: ['x', 'zero', 'end', 'axes', 'steps'] },
        { op: 'Slice', inputs: ['x', 'one', 'end', 'axes', 'steps'] },
        { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } },
        { op: 'Conv', inputs: ['n2', 'w'] },
      ],
      constants: {
        zero: int64(0, 0),
        one: int64(1, 1),
        end: int64(100, 100),
        axes: int64(2, 3),
        steps: int64(2, 2),
        w: random([3, 8, 1, 1], 1),
      },
    },
  });
});

describe('Split and Gather', () => {
  const split = (x: number[], axis: number, sizes: number[] | undefined, opset: number, count: number): ModelSpec => {
    const outputs = Array.from({ length: count }, (_, i) => `y${i}`);
    return {
      inputs: { x },
      nodes: [
        {
          op: 'Split',
          inputs: sizes !== undefined && opset >= 13 ? ['x', 'sizes'] : ['x'],
          outputs,
          attributes: {
            axis,
            split: opset < 13 ? sizes : undefined,
            num_outputs: sizes === undefined && opset >= 18 ? count : undefined,
          },
        },
      ],
      outputs,
      constants: sizes === undefined ? {} : { sizes: int64(...sizes) },
      opset,
    };
  };
  check({
    'channels in two': split(image, 1, undefined, 13, 2),
    'channels of given sizes': split(image, 1, [1, 3], 13, 2),
    'columns, old': split(image, -1, [2, 5, 1], 11, 3),
    'uneven parts': split([1, 7, 3], 1, undefined, 18, 3),
    'rows in three': split(image, 2, undefined, 11, 3),
  });
  const gather = (x: number[], axis: number, indices: ReturnType<typeof int64>): ModelSpec => ({
    inputs: { x },
    nodes: [{ op: 'Gather', inputs: ['x', 'i'], attributes: { axis } }],
    constants: { i: indices },
  });
  check({
    'one index': gather(image, 2, { ...int64(3), shape: [] }),
    'the last': gather([1, 5, 6], 1, { ...int64(-1), shape: [] }),
    'a range': gather(image, 1, int64(1, 2)),
    'every third, backwards': gather(image, 3, int64(7, 4, 1)),
    'a matrix of indices': gather(image, 3, { ...int64(0, 1, 2, 3), shape: [2, 2] }),
  });
});

describe('SpaceToDepth and DepthToSpace', () => {
  const move = (op: string, x: number[], attributes: NodeSpec['attributes']): ModelSpec => ({
    inputs: { x },
    nodes: [{ op, inputs: ['x'], attributes }],
  });
  check({
    'blocks of 2': move('SpaceToDepth', image, { blocksize: 2 }),
    'blocks of 3': move('SpaceToDepth', [2, 5, 6, 9], { blocksize: 3 }),
    DCR: move('DepthToSpace', [1, 12, 3, 5], { blocksize: 2, mode: 'DCR' }),
    CRD: move('DepthToSpace', [1, 12, 3, 5], { blocksize: 2, mode: 'CRD' }),
    'CRD, blocks of 3': move('DepthToSpace', [2, 18, 2, 3], { blocksize: 3, mode: 'CRD' }),
  });
});

describe('a channel shuffle', () => {
  const shuffle = (groups: number, channels: number, size: number): ModelSpec => ({
    inputs: { x: [1, 3, size, size + 1] },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'] },
      { op: 'Reshape', inputs: ['n0', 'grouped'] },
      { op: 'Transpose', inputs: ['n1'], attributes: { perm: [0, 2, 1, 3, 4] } },
      { op: 'Reshape', inputs: ['n2', 'joined'] },
      { op: 'Conv', inputs: ['n3', 'v'] },
    ],
    constants: {
      w: random([channels, 3, 1, 1], 1),
      v: random([2, channels, 1, 1], 2),
      grouped: int64(1, groups, channels / groups, size, size + 1),
      joined: int64(1, channels, size, size + 1),
    },
  });
  it.each([
    [2, 8, 4],
    [3, 12, 5],
    [4, 8, 1],
    [2, 6, 6],
  ])('of %i groups of %i channels only moves channels', async (groups, channels, size) => {
    const { optimized } = await expectFaithful(shuffle(groups, channels, size));
    expect(kinds(optimized)).toEqual(['conv2d', 'reshape', 'transpose', 'reshape', 'conv2d']);
    expect(optimized.nodes[2]!.op).toEqual({ kind: 'transpose', perm: [0, 2, 1] });
    expect(optimized.nodes[1]!.op).toMatchObject({ shape: [size * (size + 1), groups, channels / groups] });
  });
});
