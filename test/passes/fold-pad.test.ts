import { describe, expect, it } from 'vitest';
import { kinds, type NodeSpec } from '../onnx/model-helper.ts';
import { conv, optimized, relu } from './optimized.ts';

describe('fold-pad', () => {
  const pad: NodeSpec = { op: 'Pad', inputs: ['n0', 'pads'] };
  it('pads in the convolution', async () => {
    const graph = await optimized([conv('x', 'first'), pad, conv('n1')]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
    expect(graph.nodes[1]!.op).toMatchObject({ pads: [2, 2, 2, 2] });
  });

  it('never pads in a maximum', async () => {
    const pool: NodeSpec = { op: 'MaxPool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } };
    expect(kinds(await optimized([conv('x', 'first'), pad, pool]))).toEqual(['conv2d', 'pad', 'maxPool']);
  });

  it('pads in an average, whose divisor then counts the padding', async () => {
    const pool: NodeSpec = { op: 'AveragePool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } };
    const graph = await optimized([conv('x', 'first'), pad, pool]);
    expect(kinds(graph)).toEqual(['conv2d', 'averagePool']);
    expect(graph.nodes[1]!.op).toMatchObject({ pads: [1, 1, 1, 1], countIncludePad: true });
  });

  it('keeps a pad that others read', async () => {
    const graph = await optimized(
      [conv('x', 'first'), pad, conv('n1'), { op: 'Conv', inputs: ['n1', 'w'] }, relu('n1')],
      {
        outputs: ['n2', 'n3', 'n4'],
      },
    );
    expect(kinds(graph).filter((k) => k === 'pad')).toHaveLength(1);
  });
});
