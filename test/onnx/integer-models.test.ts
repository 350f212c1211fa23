import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Shape } from '../../src/graph/types.ts';
import type { SourceModel, SourceTensor } from '../../src/onnx/model.ts';
import { agreement } from '../helpers/runtime-agreement.ts';
import { buildModel, type ModelSpec, type NodeSpec, scalar, tensor } from './model-helper.ts';

type Integer = 'int8' | 'uint8';

function steps(shape: Shape, seed: number, dtype: Integer, most: number): SourceTensor {
  const random = createRandom(seed);
  const make = () => random.int(dtype === 'int8' ? -most : 0, dtype === 'int8' ? most : 2 * most);
  const length = sizeOf(shape);
  return tensor(shape, dtype === 'int8' ? Int8Array.from({ length }, make) : Uint8Array.from({ length }, make));
}

function zero(dtype: Integer, value: number): SourceTensor {
  return tensor([], dtype === 'int8' ? Int8Array.of(value) : Uint8Array.of(value));
}

/** A model whose input `x` is int8 or uint8. */
function integerModel(dtype: Integer, spec: ModelSpec): SourceModel {
  const model = buildModel(spec);
  return { ...model, inputs: model.inputs.map((i) => ({ ...i, dtype, elementType: dtype })) };
}

/** Scale and zero point `<name>_s`, `<name>_z`. */
function grid(name: string, dtype: Integer, scale: number, zeroPoint: number): Record<string, SourceTensor> {
  return { [`${name}_s`]: scalar(scale), [`${name}_z`]: zero(dtype, dtype === 'int8' ? zeroPoint : zeroPoint + 128) };
}

function q(...names: string[]): string[] {
  return names.flatMap((name) => [name, `${name}_s`, `${name}_z`]);
}

const conv = {
  w: steps([6, 4, 3, 3], 1, 'int8', 127),
  B: tensor([6], Int32Array.of(-900, 400, 0, 12, 2000, -33)),
};
const plain = { w_s: scalar(0.004), w_z: zero('int8', 0) };
const channels = {
  w_s: tensor([6], Float32Array.of(0.004, 0.002, 0.01, 0.003, 0.001, 0.006)),
  w_z: tensor([6], new Int8Array(6)),
};
const convNode: NodeSpec = {
  op: 'QLinearConv',
  inputs: [...q('x', 'w'), 'y_s', 'y_z', 'B'],
  attributes: { pads: [1, 1, 0, 1], strides: [1, 2] },
};

describe('QLinear operators give the integers of ONNX Runtime', () => {
  const int8 = { ...grid('x', 'int8', 0.03, -7), ...grid('y', 'int8', 0.05, 4) };
  const ms = 'com.microsoft';
  const image = [1, 4, 9, 8];
  const pool = { kernel_shape: [2, 3], strides: [2, 2] };
  const cases: readonly [string, Integer, ModelSpec][] = [
    [
      'QLinearConv, one scale',
      'int8',
      { inputs: { x: image }, nodes: [convNode], constants: { ...int8, ...conv, ...plain } },
    ],
    [
      'QLinearConv, a scale for each channel',
      'int8',
      { inputs: { x: image }, nodes: [convNode], constants: { ...int8, ...conv, ...channels } },
    ],
    [
      'QLinearConv without bias, MaxPool and Reshape of its integers, QLinearMatMul',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          { ...convNode, inputs: convNode.inputs.slice(0, 8), outputs: ['y'] },
          { op: 'MaxPool', inputs: ['y'], outputs: ['p'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
          { op: 'Reshape', inputs: ['p', 'shape'], outputs: ['f'] },
          { op: 'QLinearMatMul', inputs: ['f', 'y_s', 'y_z', ...q('m'), 'o_s', 'o_z'] },
        ],
        constants: {
          ...int8,
          ...conv,
          ...plain,
          ...grid('o', 'int8', 0.2, -20),
          ...grid('m', 'int8', 0.01, 0),
          m: steps([48, 5], 3, 'int8', 127),
          shape: tensor([2], Float64Array.of(1, -1)),
        },
      },
    ],
    [
      'QLinearAdd of two tensors',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          { op: 'QLinearSigmoid', domain: ms, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
          { op: 'QLinearAdd', domain: ms, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
        ],
        constants: { ...int8, ...grid('b', 'int8', 1 / 256, -128) },
      },
    ],
    [
      'QLinearMul of two tensors',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          { op: 'QLinearSigmoid', domain: ms, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
          { op: 'QLinearMul', domain: ms, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
        ],
        constants: { ...int8, ...grid('b', 'int8', 1 / 256, -128), ...grid('y', 'int8', 0.0171, -31) },
      },
    ],
    [
      'QLinearMul with a gate for each channel',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          { op: 'QLinearGlobalAveragePool', domain: ms, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
          { op: 'QLinearMul', domain: ms, inputs: [...q('b', 'x'), 'y_s', 'y_z'] },
        ],
        constants: { ...int8, ...grid('b', 'int8', 0.003, 5), ...grid('y', 'int8', 0.0013, 9) },
      },
    ],
    [
      'QLinearMul with a constant for each channel',
      'int8',
      {
        inputs: { x: image },
        nodes: [{ op: 'QLinearMul', domain: ms, inputs: [...q('x', 'b'), 'y_s', 'y_z'] }],
        constants: {
          ...int8,
          ...grid('b', 'int8', 0.01, -3),
          ...grid('y', 'int8', 0.031, 2),
          b: steps([4, 1, 1], 6, 'int8', 127),
        },
      },
    ],
    [
      'QLinearAdd with broadcasting',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          { op: 'QLinearGlobalAveragePool', domain: ms, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
          { op: 'QLinearAdd', domain: ms, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
        ],
        constants: { ...int8, ...grid('b', 'int8', 0.003, 5) },
      },
    ],
    [
      'QLinearAdd of a constant',
      'int8',
      {
        inputs: { x: [1, 16] },
        nodes: [{ op: 'QLinearAdd', domain: ms, inputs: [...q('x', 'b'), 'y_s', 'y_z'] }],
        constants: { ...int8, ...grid('b', 'int8', 0.07, 11), b: steps([16], 5, 'int8', 127) },
      },
    ],
    [
      'QLinearAveragePool',
      'int8',
      {
        inputs: { x: image },
        nodes: [{ op: 'QLinearAveragePool', domain: ms, inputs: [...q('x'), 'y_s', 'y_z'], attributes: pool }],
        constants: int8,
      },
    ],
    [
      'QLinearAveragePool with pads, on one grid, so that halves are common',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          {
            op: 'QLinearAveragePool',
            domain: ms,
            inputs: [...q('x'), 'x_s', 'x_z'],
            attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] },
          },
        ],
        constants: int8,
      },
    ],
    [
      'QLinearGlobalAveragePool',
      'int8',
      {
        inputs: { x: image },
        nodes: [{ op: 'QLinearGlobalAveragePool', domain: ms, inputs: [...q('x'), 'y_s', 'y_z'] }],
        constants: { ...int8, ...grid('y', 'int8', 0.005, 4) },
      },
    ],
    [
      'QLinearGlobalAveragePool, channels last',
      'int8',
      {
        inputs: { x: [1, 5, 6, 8] },
        nodes: [
          {
            op: 'QLinearGlobalAveragePool',
            domain: ms,
            inputs: [...q('x'), 'y_s', 'y_z'],
            attributes: { channels_last: 1 },
          },
        ],
        constants: { ...int8, ...grid('y', 'int8', 0.005, 4) },
      },
    ],
    [
      'QLinearSoftmax',
      'int8',
      {
        inputs: { x: [1, 12] },
        nodes: [
          {
            op: 'QLinearSoftmax',
            domain: ms,
            inputs: [...q('x'), 'y_s', 'y_z'],
            attributes: { axis: -1, opset: 13 },
          },
        ],
        constants: { ...int8, ...grid('y', 'int8', 1 / 256, -128) },
      },
    ],
    [
      'QLinearConcat of two grids',
      'int8',
      {
        inputs: { x: image },
        nodes: [
          {
            op: 'QLinearLeakyRelu',
            domain: ms,
            inputs: [...q('x'), 'b_s', 'b_z'],
            outputs: ['b'],
            attributes: { alpha: { float: 0.25 } },
          },
          { op: 'QLinearConcat', domain: ms, inputs: ['y_s', 'y_z', ...q('x', 'b')], attributes: { axis: 1 } },
        ],
        constants: { ...int8, ...grid('b', 'int8', 0.04, 9) },
      },
    ],
    [
      'QGemm',
      'int8',
      {
        inputs: { x: [1, 24] },
        nodes: [
          {
            op: 'QGemm',
            domain: ms,
            inputs: [...q('x', 'm'), 'C', 'y_s', 'y_z'],
            attributes: { transB: 1 },
          },
        ],
        constants: {
          ...int8,
          m: steps([7, 24], 8, 'int8', 100),
          m_s: scalar(0.02),
          m_z: zero('int8', 0),
          C: tensor(
            [7],
            Int32Array.from({ length: 7 }, (_, i) => 300 * i - 900),
          ),
        },
      },
    ],
  ];
  it.each(cases)('%s', async (_, dtype, spec) => {
    const result = await agreement(integerModel(dtype, spec), { samples: 6 });
    expect(result.values).toBeGreaterThan(20);
    expect(result).toMatchObject({ differing: 0, maxSteps: 0 });
  });

  it.each([
    [1 / 255, -128],
    [0.0055, -100],
    [1 / 128, 3],
    [0.03, -128],
  ])('QLinearSoftmax in steps of %f from %i', async (scale, zeroPoint) => {
    const node = {
      op: 'QLinearSoftmax',
      domain: ms,
      inputs: [...q('x'), 'y_s', 'y_z'],
      attributes: { axis: -1, opset: 13 },
    };
    const constants = { ...int8, ...grid('y', 'int8', scale, zeroPoint) };
    const spec = { inputs: { x: [1, 12] }, nodes: [node], constants };
    expect(await agreement(integerModel('int8', spec), { samples: 20 })).toMatchObject({ values: 240, differing: 0 });
  });

  it('QLinearConv on uint8: the same integers, 128 lower', async () => {
    const uint8 = { ...grid('x', 'uint8', 0.03, -7), ...grid('y', 'uint8', 0.3, 4) };
    const weights = { ...conv, w: steps([6, 4, 3, 3], 1, 'int8', 63) };
    const spec = { inputs: { x: [1, 4, 9, 8] }, nodes: [convNode], constants: { ...uint8, ...weights, ...plain } };
    const { graph, ...result } = await agreement(integerModel('uint8', spec), { samples: 6 });
    expect(result).toMatchObject({ differing: 0, maxSteps: 0 });
    expect(graph.inputs[0]).toMatchObject({ integer: 'uint8' });
    expect(graph.outputs[0]).toMatchObject({ integer: 'uint8' });
    expect(graph.tensors.get(graph.inputs[0]!.tensor)?.quant).toMatchObject({ zeroPoint: -7, qmin: -128, qmax: 127 });
  });
});
