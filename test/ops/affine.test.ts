import { describe } from 'vitest';
import { type ModelSpec, random, tensor } from '../onnx/model-helper.ts';
import { behindConv } from './behind-conv.ts';
import { check } from './check-cases.ts';

const image = [1, 6, 9, 8];

describe('affine operators', () => {
  const norm = {
    gamma: random([6], 7),
    beta: random([6], 8),
    mean: random([6], 9),
    variance: tensor([6], new Float32Array(6).fill(0.7)),
  };
  const batchNorm = (x: number[], opset = 17): ModelSpec => ({
    inputs: { x },
    nodes: [
      {
        op: 'BatchNormalization',
        inputs: ['x', 'gamma', 'beta', 'mean', 'variance'],
        attributes: { epsilon: { float: 1e-3 } },
      },
    ],
    constants: norm,
    opset,
  });
  check({
    'BatchNormalization rank 4': batchNorm(image),
    'BatchNormalization rank 3': batchNorm([1, 6, 9]),
    'BatchNormalization rank 2': batchNorm([3, 6]),
    'BatchNormalization opset 7': batchNorm(image, 7),
    'Mul by a scalar': behindConv({ op: 'Mul', inputs: ['n0', 'one'] }),
    'Mul by channels': behindConv({ op: 'Mul', inputs: ['perChannel', 'n0'] }),
    'Div by channels': behindConv({ op: 'Div', inputs: ['n0', 'perChannel'] }),
    'Add of channels': behindConv({ op: 'Add', inputs: ['n0', 'perChannel'] }),
    'Sub of channels': behindConv({ op: 'Sub', inputs: ['n0', 'perChannel'] }),
    'Sub from a scalar': behindConv({ op: 'Sub', inputs: ['one', 'n0'] }),
    'on the input, before padding': {
      ...behindConv(),
      nodes: [
        { op: 'Mul', inputs: ['x', 'one'] },
        { op: 'Add', inputs: ['n0', 'one'] },
        { op: 'Conv', inputs: ['n1', 'w'], attributes: { pads: [1, 1, 1, 1] } },
      ],
    },
    'channels of a channels-last value': {
      inputs: { x: [1, 9, 8, 4] },
      nodes: [{ op: 'Mul', inputs: ['x', 'four'] }],
      constants: { four: random([4], 6) },
    },
  });
});
