import { describe, expect, it } from 'vitest';
import { kinds, type NodeSpec } from '../onnx/model-helper.ts';
import { conv, optimized, relu } from './optimized.ts';

describe('fuse-activation', () => {
  it('intersects clips', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), { op: 'Clip', inputs: ['n1', '', 'six'] }]);
    expect(kinds(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]!.op).toMatchObject({ clamp: { lo: 0, hi: 6 } });
  });

  it('moves a clip through a maximum', async () => {
    const pool: NodeSpec = { op: 'MaxPool', inputs: ['n0'], attributes: { kernel_shape: [2, 2] } };
    expect(kinds(await optimized([conv('x', 'first'), pool, relu('n1')]))).toEqual(['conv2d', 'maxPool']);
  });

  it('moves a clip through a concatenation only where all parts can take it', async () => {
    const join: NodeSpec = { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } };
    expect(kinds(await optimized([conv('x', 'first'), conv('x', 'first'), join, relu('n2')]))).toEqual([
      'conv2d',
      'conv2d',
      'concat',
    ]);
    const other: NodeSpec = { op: 'Sigmoid', inputs: ['x'] };
    expect(kinds(await optimized([conv('x', 'first'), other, join, relu('n2')]))).toEqual([
      'conv2d',
      'unary',
      'concat',
      'unary',
    ]);
  });

  it('keeps a clip whose input others read', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      relu('n0'),
      { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } },
    ]);
    expect(kinds(graph)).toEqual(['conv2d', 'unary', 'concat']);
  });

  it('keeps a clip whose input is an output of the network', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0')], { outputs: ['n0', 'n1'] });
    expect(kinds(graph)).toEqual(['conv2d', 'unary']);
  });
});
