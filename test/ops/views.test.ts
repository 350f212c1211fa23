import { describe } from 'vitest';
import { int64, type ModelSpec, type NodeSpec, random } from '../onnx/model-helper.ts';
import { behindConv } from './behind-conv.ts';
import { check } from './check-cases.ts';

describe('views', () => {
  const flat = {
    weights: random([168, 5], 12),
    shape: int64(0, -1),
    to: int64(1, 2, 2, 42),
    heads: int64(1, 2, 2, 7, 6),
  };
  const views = (...nodes: NodeSpec[]): ModelSpec => {
    const spec = behindConv(...nodes);
    return { ...spec, constants: { ...spec.constants, ...flat } };
  };
  check({
    'Flatten and Gemm': views({ op: 'Flatten', inputs: ['n0'] }, { op: 'Gemm', inputs: ['n1', 'weights'] }),
    'Flatten, Relu and Gemm': views(
      { op: 'Flatten', inputs: ['n0'] },
      { op: 'Relu', inputs: ['n1'] },
      { op: 'Gemm', inputs: ['n2', 'weights'] },
    ),
    'Reshape and MatMul': views(
      { op: 'Reshape', inputs: ['n0', 'shape'] },
      { op: 'MatMul', inputs: ['n1', 'weights'] },
    ),
    'Flatten at axis 2': views({ op: 'Flatten', inputs: ['n0'], attributes: { axis: 2 } }),
    'Flatten at axis 0': views({ op: 'Flatten', inputs: ['n0'], attributes: { axis: 0 } }),
    'Reshape to rank 4': views({ op: 'Reshape', inputs: ['n0', 'to'] }, { op: 'Relu', inputs: ['n1'] }),
    'channel shuffle': views(
      { op: 'Reshape', inputs: ['n0', 'heads'] },
      { op: 'Transpose', inputs: ['n1'], attributes: { perm: [0, 2, 1, 3, 4] } },
      { op: 'Flatten', inputs: ['n2'] },
    ),
    Transpose: views({ op: 'Transpose', inputs: ['n0'], attributes: { perm: [0, 3, 1, 2] } }),
    'Transpose without perm': views({ op: 'Transpose', inputs: ['n0'] }),
    'Squeeze by attribute': {
      ...views(
        { op: 'GlobalAveragePool', inputs: ['n0'] },
        { op: 'Squeeze', inputs: ['n1'], attributes: { axes: [2, -1] } },
      ),
      opset: 11,
    },
    'Squeeze by input': views({ op: 'GlobalAveragePool', inputs: ['n0'] }, { op: 'Squeeze', inputs: ['n1', 'axes'] }),
    'Squeeze of all': views({ op: 'GlobalAveragePool', inputs: ['n0'] }, { op: 'Squeeze', inputs: ['n1'] }),
    'Unsqueeze by input': views({ op: 'Flatten', inputs: ['n0'] }, { op: 'Unsqueeze', inputs: ['n1', 'axes'] }),
    'Unsqueeze by attribute': {
      ...views({ op: 'Flatten', inputs: ['n0'] }, { op: 'Unsqueeze', inputs: ['n1'], attributes: { axes: [0, 3] } }),
      opset: 7,
    },
  });
});
