import { describe } from 'vitest';
import { random } from '../onnx/model-helper.ts';
import { behindConv } from './behind-conv.ts';
import { check } from './check-cases.ts';

describe('Add, Concat and Pad', () => {
  check({
    residual: behindConv(
      { op: 'Relu', inputs: ['n0'] },
      { op: 'Add', inputs: ['n1', 'n0'] },
      { op: 'Relu', inputs: ['n2'] },
    ),
    'residual from the input': {
      inputs: { x: [1, 4, 8, 8] },
      nodes: [
        { op: 'Conv', inputs: ['x', 'w'], attributes: { pads: [1, 1, 1, 1] } },
        { op: 'Add', inputs: ['x', 'n0'] },
      ],
      constants: { w: random([4, 4, 3, 3], 1) },
    },
    'Add of a value to itself': behindConv({ op: 'Add', inputs: ['n0', 'n0'] }),
    'Concat of channels': behindConv(
      { op: 'Relu', inputs: ['n0'] },
      { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } },
    ),
    'Concat of rows': behindConv(
      { op: 'Tanh', inputs: ['n0'] },
      { op: 'Concat', inputs: ['n0', 'n1', 'n0'], attributes: { axis: -2 } },
    ),
    'Concat of one': behindConv({ op: 'Concat', inputs: ['n0'], attributes: { axis: 1 } }),
    'Pad of space': behindConv({ op: 'Pad', inputs: ['n0', 'pads', 'one'] }, { op: 'Conv', inputs: ['n1', 'u'] }),
    'Pad of channels': behindConv({ op: 'Pad', inputs: ['n0', 'padChannels'] }),
    'Pad with zeros before a convolution': behindConv(
      { op: 'Pad', inputs: ['n0', 'pads'] },
      { op: 'Conv', inputs: ['n1', 'u'] },
    ),
    'Pad with zeros before a maximum': behindConv(
      { op: 'Pad', inputs: ['n0', 'pads'] },
      { op: 'MaxPool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } },
    ),
    'Pad with zeros before an average': behindConv(
      { op: 'Pad', inputs: ['n0', 'pads'] },
      { op: 'AveragePool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } },
    ),
    'Pad of some axes': { ...behindConv({ op: 'Pad', inputs: ['n0', 'two', '', 'axes'] }), opset: 18 },
    'Pad before opset 11': {
      ...behindConv({
        op: 'Pad',
        inputs: ['n0'],
        attributes: { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: { float: 0.5 } },
      }),
      opset: 7,
    },
  });
});
