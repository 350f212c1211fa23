import { describe } from 'vitest';
import type { ModelSpec } from '../onnx/model-helper.ts';
import { behindConv } from './behind-conv.ts';
import { check } from './check-cases.ts';

describe('unary operators', () => {
  const attributes = { alpha: { float: 0.3 } };
  check({
    Relu: behindConv({ op: 'Relu', inputs: ['n0'] }),
    'Clip with both bounds': behindConv({ op: 'Clip', inputs: ['n0', 'lo', 'one'] }, { op: 'Relu', inputs: ['n1'] }),
    'Clip with an upper bound': behindConv({ op: 'Clip', inputs: ['n0', '', 'one'] }),
    'Clip without bounds': behindConv({ op: 'Clip', inputs: ['n0'] }),
    LeakyRelu: behindConv({ op: 'LeakyRelu', inputs: ['n0'], attributes }),
    Sigmoid: behindConv({ op: 'Sigmoid', inputs: ['n0'] }),
    Tanh: behindConv({ op: 'Tanh', inputs: ['n0'] }),
    HardSigmoid: behindConv({ op: 'HardSigmoid', inputs: ['n0'], attributes }),
    HardSwish: behindConv({ op: 'HardSwish', inputs: ['n0'] }),
    Identity: behindConv({ op: 'Identity', inputs: ['n0'] }),
    Dropout: behindConv({ op: 'Dropout', inputs: ['n0'], outputs: ['y', 'mask'] }),
    'Clip before opset 11': {
      ...behindConv({ op: 'Clip', inputs: ['n0'], attributes: { min: { float: -0.5 }, max: { float: 6 } } }),
      opset: 7,
    },
  });
});

describe('Softmax', () => {
  const softmax = (opset: number, axis?: number): ModelSpec => ({
    ...behindConv({ op: 'Softmax', inputs: ['n0'], attributes: { axis } }),
    opset,
  });
  check({
    'default axis': softmax(13),
    channels: softmax(13, 1),
    height: softmax(13, -2),
    'old, default axis': softmax(11),
    'old, axis 2': softmax(11, 2),
    'old, last axis': softmax(9, 3),
  });
});
