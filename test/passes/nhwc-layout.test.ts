import { describe, expect, it } from 'vitest';
import { int64, kinds, random } from '../onnx/model-helper.ts';
import { constants, conv, optimized, relu } from './optimized.ts';

describe('nhwc-layout', () => {
  it('leaves no transpose in a network with a residual, a concatenation and a dense layer', async () => {
    const graph = await optimized(
      [
        conv('x', 'first'),
        relu('n0'),
        conv('n1'),
        { op: 'Add', inputs: ['n1', 'n2'] },
        { op: 'Concat', inputs: ['n3', 'n1'], attributes: { axis: 1 } },
        { op: 'Softmax', inputs: ['n4'], attributes: { axis: 1 } },
        { op: 'MaxPool', inputs: ['n5'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
        { op: 'Flatten', inputs: ['n6'] },
        { op: 'Gemm', inputs: ['n7', 'small'] },
      ],
      { constants: { ...constants, small: random([96, 5], 9) } },
    );
    expect(kinds(graph)).toEqual([
      'conv2d',
      'conv2d',
      'add',
      'concat',
      'softmax',
      'maxPool',
      'reshape',
      'fullyConnected',
    ]);
    expect(graph.nodes[3]!.op).toEqual({ kind: 'concat', axis: 3 });
    expect(graph.inputs[0]!.views).toEqual([{ kind: 'transpose', perm: [0, 2, 3, 1] }]);
  });

  it('absorbs the transpose behind the last layer into the output', async () => {
    const graph = await optimized([conv('x', 'first'), { op: 'Tanh', inputs: ['n0'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'unary']);
    expect(graph.outputs[0]).toMatchObject({ shape: [1, 4, 8, 6], views: [{ kind: 'transpose', perm: [0, 3, 1, 2] }] });
  });

  it('takes a channels-last model as it is', async () => {
    const toFirst = { op: 'Transpose', attributes: { perm: [0, 3, 1, 2] } };
    const toLast = { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } };
    const graph = await optimized(
      [
        { ...toFirst, inputs: ['x'] },
        conv('n0', 'first'),
        { ...toLast, inputs: ['n1'] },
        relu('n2'),
        { op: 'Flatten', inputs: ['n3'] },
        { op: 'MatMul', inputs: ['n4', 'dense'] },
      ],
      { inputs: { x: [1, 8, 6, 3] } },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'reshape', 'fullyConnected']);
    expect(graph.inputs[0]!.views).toEqual([]);
  });

  it('runs a 1-D network without transposes, padding included', async () => {
    const graph = await optimized(
      [
        { op: 'Pad', inputs: ['x', 'ends'] },
        { op: 'Conv', inputs: ['n0', 'w1'] },
        relu('n1'),
        { op: 'Conv', inputs: ['n2', 'w2'] },
        { op: 'Conv', inputs: ['n2', 'w2'] },
        { op: 'Add', inputs: ['n3', 'n4'] },
        { op: 'GlobalAveragePool', inputs: ['n5'] },
        { op: 'Squeeze', inputs: ['n6', 'last'] },
      ],
      {
        inputs: { x: [1, 3, 12] },
        constants: {
          ends: int64(0, 0, 2, 0, 0, 1),
          w1: random([4, 3, 3], 1),
          w2: random([5, 4, 3], 2),
          last: int64(-1),
        },
      },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'conv2d', 'add', 'averagePool']);
    expect(graph.nodes[0]!.op).toMatchObject({ pads: [0, 2, 0, 1] });
  });

  it('keeps the input as it comes where a dense layer reads it', async () => {
    const graph = await optimized(
      [
        { op: 'Flatten', inputs: ['x'] },
        { op: 'Gemm', inputs: ['n0', 'dense'] },
      ],
      {
        inputs: { x: [1, 4, 8, 6] },
      },
    );
    expect(kinds(graph)).toEqual(['reshape', 'fullyConnected']);
    expect(graph.inputs[0]!.views).toEqual([]);
  });

  it('writes a transpose that two layers need once', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      { op: 'Transpose', inputs: ['n0'], attributes: { perm: [0, 1, 3, 2] } },
      conv('n1'),
      conv('n1'),
      { op: 'Add', inputs: ['n2', 'n3'] },
    ]);
    expect(kinds(graph)).toEqual(['conv2d', 'transpose', 'conv2d', 'conv2d', 'add']);
  });
});
