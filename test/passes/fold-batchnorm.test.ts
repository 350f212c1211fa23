import { describe, expect, it } from 'vitest';
import { kinds, random } from '../onnx/model-helper.ts';
import { constants, conv, norm, optimized, relu } from './optimized.ts';

describe('fold-batchnorm', () => {
  it('folds behind a convolution, with the activation', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), relu('n1')]);
    expect(kinds(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]).toMatchObject({ op: { clamp: { lo: 0, hi: Infinity } }, origin: { name: 'conv_0' } });
  });

  it('folds behind a dense layer', async () => {
    const graph = await optimized(
      [
        { op: 'MatMul', inputs: ['x', 'dense'] },
        { op: 'Add', inputs: ['n0', 'b'] },
        { op: 'Mul', inputs: ['n1', 'six'] },
      ],
      {
        inputs: { x: [1, 192] },
        constants: { ...constants, b: random([5], 7) },
      },
    );
    expect(kinds(graph)).toEqual(['fullyConnected']);
  });

  it('folds into a convolution that pads nothing', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), norm('n1'), { op: 'Conv', inputs: ['n2', 'w'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
  });

  it('folds into a grouped convolution', async () => {
    const graph = await optimized(
      [conv('x', 'first'), relu('n0'), norm('n1'), { op: 'Conv', inputs: ['n2', 'g'], attributes: { group: 2 } }],
      { constants: { ...constants, g: random([6, 2, 3, 3], 8) } },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
  });

  it('makes a depthwise convolution before one that pads, as the padding is not shifted', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), norm('n1'), relu('n2'), conv('n3')]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'conv2d']);
    expect(graph.nodes[1]!.op).toMatchObject({ groups: 4, clamp: { lo: 0, hi: Infinity } });
  });

  it('folds a scale without a shift into a convolution that pads', async () => {
    expect(kinds(await optimized([{ op: 'Mul', inputs: ['x', 'six'] }, conv('n0', 'first')]))).toEqual(['conv2d']);
  });

  it('leaves a convolution alone that others read before the normalization', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), { op: 'Add', inputs: ['n0', 'n1'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'add']);
  });
});
