import { describe, expect, it } from 'vitest';
import {
  expectFaithful,
  int64,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from '../onnx/model-helper.ts';

/** Every operator on generated models, against ONNX Runtime; each case runs imported and optimized. */
type Cases = Readonly<Record<string, ModelSpec>>;

function check(cases: Cases): void {
  it.each(Object.entries(cases))('%s', async (_name, spec) => {
    await expectFaithful(spec);
  });
}

const image = [1, 6, 9, 8];

function conv(attributes: NodeSpec['attributes'], w = [4, 6, 3, 3], extra: Partial<ModelSpec> = {}): ModelSpec {
  return {
    inputs: { x: image },
    nodes: [{ op: 'Conv', inputs: ['x', 'w', 'b'], attributes }],
    constants: { w: random(w, 1, 0.3), b: random([w[0]!], 2) },
    ...extra,
  };
}

describe('Conv', () => {
  check({
    plain: conv({}),
    'without a bias': { ...conv({}), nodes: [{ op: 'Conv', inputs: ['x', 'w'] }] },
    'asymmetric pads': conv({ pads: [0, 1, 2, 1] }),
    strides: conv({ strides: [2, 3], pads: [1, 1, 1, 1] }),
    dilations: conv({ dilations: [2, 1], pads: [2, 1, 2, 1] }),
    groups: conv({ group: 2, pads: [1, 1, 1, 1] }, [4, 3, 3, 3]),
    depthwise: conv({ group: 6, kernel_shape: [3, 3] }, [6, 1, 3, 3]),
    'depthwise with a multiplier': conv({ group: 6 }, [12, 1, 3, 3]),
    '1×1': conv({}, [4, 6, 1, 1]),
    'kernel of the whole plane': conv({}, [4, 6, 9, 8]),
    'oblong kernel': conv({ pads: [0, 2, 0, 2] }, [4, 6, 1, 5]),
    'batch of 2': conv({}, [4, 6, 3, 3], { inputs: { x: [2, 6, 9, 8] } }),
    'a parameter as auto_pad NOTSET': conv({ auto_pad: 'NOTSET', pads: [1, 0, 0, 1] }),
    SAME_UPPER: conv({ auto_pad: 'SAME_UPPER', strides: [2, 2] }, [4, 6, 4, 3]),
    SAME_LOWER: conv({ auto_pad: 'SAME_LOWER', strides: [2, 2] }, [4, 6, 4, 3]),
    VALID: conv({ auto_pad: 'VALID', strides: [2, 1] }),
    'opset 7': conv({ pads: [1, 1, 1, 1] }, [4, 6, 3, 3], { opset: 7 }),
    'opset 21': conv({ pads: [1, 1, 1, 1] }, [4, 6, 3, 3], { opset: 21 }),
    '1-D': conv({ pads: [1, 2], strides: [2] }, [4, 6, 3], { inputs: { x: [1, 6, 11] } }),
    '1-D SAME_UPPER, groups': conv({ auto_pad: 'SAME_UPPER', group: 3 }, [6, 2, 4], { inputs: { x: [1, 6, 11] } }),
  });
});

function pool(op: string, attributes: NodeSpec['attributes'], x = image, opset = 21): ModelSpec {
  return { inputs: { x }, nodes: [{ op, inputs: ['x'], attributes }], opset };
}

describe('MaxPool', () => {
  check({
    plain: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    'asymmetric pads': pool('MaxPool', { kernel_shape: [3, 3], pads: [0, 1, 2, 1] }),
    dilations: pool('MaxPool', { kernel_shape: [2, 3], dilations: [3, 2], pads: [1, 2, 1, 0] }),
    ceil_mode: pool('MaxPool', { kernel_shape: [2, 3], strides: [2, 2], ceil_mode: 1 }),
    'ceil_mode with a stride above the kernel': pool('MaxPool', {
      kernel_shape: [2, 2],
      strides: [3, 3],
      ceil_mode: 1,
    }),
    'ceil_mode with pads': pool('MaxPool', { kernel_shape: [3, 3], strides: [3, 2], pads: [1, 0, 1, 1], ceil_mode: 1 }),
    SAME_UPPER: pool('MaxPool', { kernel_shape: [3, 2], strides: [2, 3], auto_pad: 'SAME_UPPER' }),
    'ceil_mode with dilations': pool('MaxPool', {
      kernel_shape: [2, 2],
      strides: [4, 3],
      dilations: [3, 4],
      pads: [0, 1, 0, 1],
      ceil_mode: 1,
    }),
    SAME_LOWER: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 3], auto_pad: 'SAME_LOWER' }),
    '1-D': pool('MaxPool', { kernel_shape: [3], strides: [2], ceil_mode: 1 }, [1, 6, 10]),
    'opset 8': pool('MaxPool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, image, 8),
    GlobalMaxPool: pool('GlobalMaxPool', {}),
    'GlobalMaxPool 1-D': pool('GlobalMaxPool', {}, [1, 6, 10]),
  });
});

describe('AveragePool', () => {
  for (const count_include_pad of [0, 1]) {
    describe(`count_include_pad ${count_include_pad}`, () => {
      check({
        plain: pool('AveragePool', { kernel_shape: [2, 2], strides: [2, 2], count_include_pad }),
        pads: pool('AveragePool', { kernel_shape: [3, 3], pads: [0, 1, 2, 1], count_include_pad }),
        'pads, opset 11': pool(
          'AveragePool',
          { kernel_shape: [3, 2], pads: [1, 0, 1, 1], count_include_pad },
          image,
          11,
        ),
        ceil_mode: pool('AveragePool', { kernel_shape: [2, 3], strides: [2, 3], ceil_mode: 1, count_include_pad }),
        'ceil_mode with pads': pool('AveragePool', {
          kernel_shape: [3, 3],
          strides: [2, 3],
          pads: [1, 0, 1, 1],
          ceil_mode: 1,
          count_include_pad,
        }),
        'ceil_mode with pads that overhang, opset 11': pool(
          'AveragePool',
          { kernel_shape: [3, 4], strides: [3, 3], pads: [1, 1, 0, 1], ceil_mode: 1, count_include_pad },
          image,
          11,
        ),
        'ceil_mode with pads that overhang': pool('AveragePool', {
          kernel_shape: [3, 4],
          strides: [3, 3],
          pads: [1, 1, 0, 1],
          ceil_mode: 1,
          count_include_pad,
        }),
        SAME_UPPER: pool('AveragePool', {
          kernel_shape: [3, 2],
          strides: [2, 2],
          auto_pad: 'SAME_UPPER',
          count_include_pad,
        }),
        '1-D': pool('AveragePool', { kernel_shape: [3], strides: [2], pads: [1, 1], count_include_pad }, [1, 6, 10]),
      });
    });
  }
  check({
    GlobalAveragePool: pool('GlobalAveragePool', {}),
    'GlobalAveragePool 1-D': pool('GlobalAveragePool', {}, [1, 6, 10]),
  });
});

describe('ReduceMean', () => {
  const mean = (axes: number[], keepdims: number, x = image): ModelSpec => ({
    inputs: { x },
    nodes: [{ op: 'ReduceMean', inputs: ['x'], attributes: { axes, keepdims } }],
    opset: 13,
  });
  check({
    'height and width': mean([2, 3], 1),
    'without keepdims': mean([-1, -2], 0),
    'height only': mean([2], 1),
    'width only, without keepdims': mean([3], 0),
    'channels-last': mean([1, 2], 0),
    '1-D': mean([2], 0, [1, 6, 10]),
    '1-D channels-last': mean([1], 1, [1, 10, 6]),
    'axes as input': {
      inputs: { x: image },
      nodes: [{ op: 'ReduceMean', inputs: ['x', 'axes'], attributes: { keepdims: 0 } }],
      constants: { axes: int64(2, 3) },
      opset: 18,
    },
  });
});

function gemm(attributes: NodeSpec['attributes'], a: number[], b: number[], c?: number[]): ModelSpec {
  return {
    inputs: { x: a },
    nodes: [{ op: 'Gemm', inputs: c === undefined ? ['x', 'w'] : ['x', 'w', 'c'], attributes }],
    constants: { w: random(b, 3), ...(c === undefined ? {} : { c: random(c, 4) }) },
  };
}

function matMul(x: number[]): ModelSpec {
  return { inputs: { x }, nodes: [{ op: 'MatMul', inputs: ['x', 'w'] }], constants: { w: random([10, 5], 3) } };
}

describe('Gemm and MatMul', () => {
  check({
    plain: gemm({}, [1, 10], [10, 5]),
    transB: gemm({ transB: 1 }, [1, 10], [5, 10], [5]),
    transA: gemm({ transA: 1 }, [10, 3], [10, 5], [5]),
    'alpha and beta': gemm({ alpha: { float: 0.5 }, beta: { float: 2 } }, [3, 10], [10, 5], [1, 5]),
    'scalar C': gemm({ transB: 1 }, [2, 10], [5, 10], [1]),
    'MatMul rank 2': matMul([3, 10]),
    'MatMul rank 3': matMul([1, 7, 10]),
    'MatMul rank 4': matMul([1, 2, 7, 10]),
    'MatMul rank 1': matMul([10]),
    'MatMul and a bias': {
      inputs: { x: [1, 7, 10] },
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'] },
        { op: 'Add', inputs: ['b', 'n0'] },
      ],
      constants: { w: random([10, 5], 3), b: random([5], 4) },
    },
  });
});

const constants = {
  w: random([4, 6, 3, 3], 1, 0.3),
  u: random([3, 4, 2, 2], 11),
  perChannel: random([4, 1, 1], 5),
  one: scalar(1.7),
  lo: scalar(-0.3),
  four: random([4], 6),
  pads: int64(0, 0, 1, 2, 0, 0, 0, 1),
  padChannels: int64(0, 1, 0, 0, 0, 2, 0, 0),
  two: int64(1, 2, 0, 1),
  axes: int64(-1, 2),
};

/** A convolution with something behind it, so that passes have something to do. */
function behindConv(...nodes: NodeSpec[]): ModelSpec {
  return { inputs: { x: image }, nodes: [{ op: 'Conv', inputs: ['x', 'w'] }, ...nodes], constants };
}

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
      constants,
    },
  });
});

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

describe('fake quantization', () => {
  const grid = {
    s: scalar(0.05),
    zero: tensor([], Uint8Array.of(120)),
    lo: tensor([], Uint8Array.of(0)),
    hi: tensor([], Uint8Array.of(15)),
    z8: tensor([], Int8Array.of(-3)),
  };
  const quantized = (...nodes: NodeSpec[]): ModelSpec => ({ inputs: { x: [1, 6, 4, 4] }, nodes, constants: grid });
  check({
    uint8: quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's', 'zero'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's', 'zero'] },
    ),
    int8: quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z8'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's', 'z8'] },
    ),
    'without a zero point': quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's'] },
    ),
    'clipped to 4 bits': quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's'] },
      { op: 'Clip', inputs: ['n0', 'lo', 'hi'] },
      { op: 'DequantizeLinear', inputs: ['n1', 's'] },
    ),
  });
  it('takes the narrow width from the clip', async () => {
    const { optimized } = await expectFaithful(
      quantized(
        { op: 'QuantizeLinear', inputs: ['x', 's'] },
        { op: 'Clip', inputs: ['n0', 'lo', 'hi'] },
        { op: 'DequantizeLinear', inputs: ['n1', 's'] },
      ),
    );
    expect(kinds(optimized)).toEqual(['fakeQuant']);
    expect(optimized.nodes[0]!.op).toMatchObject({ quant: { zeroPoint: -8, qmin: -8, qmax: 7 } });
  });
});
