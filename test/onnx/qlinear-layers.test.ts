import { describe, expect, it } from 'vitest';
import { agreement } from '../helpers/runtime-agreement.ts';
import { checkIntegers, grid, int8Grids, integerModel, microsoft, q, steps } from './integer-models.ts';
import { type NodeSpec, scalar, tensor } from './model-helper.ts';

const image = [1, 4, 9, 8];
const conv = {
  w: steps([6, 4, 3, 3], 1, 127),
  B: tensor([6], Int32Array.of(-900, 400, 0, 12, 2000, -33)),
};
const plain = { w_s: scalar(0.004), w_z: tensor([], Int8Array.of(0)) };
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
  checkIntegers({
    'QLinearConv, one scale': {
      inputs: { x: image },
      nodes: [convNode],
      constants: { ...int8Grids, ...conv, ...plain },
    },
    'QLinearConv, a scale for each channel': {
      inputs: { x: image },
      nodes: [convNode],
      constants: { ...int8Grids, ...conv, ...channels },
    },
    'QLinearConv without bias, MaxPool and Reshape of its integers, QLinearMatMul': {
      inputs: { x: image },
      nodes: [
        { ...convNode, inputs: convNode.inputs.slice(0, 8), outputs: ['y'] },
        { op: 'MaxPool', inputs: ['y'], outputs: ['p'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
        { op: 'Reshape', inputs: ['p', 'shape'], outputs: ['f'] },
        { op: 'QLinearMatMul', inputs: ['f', 'y_s', 'y_z', ...q('m'), 'o_s', 'o_z'] },
      ],
      constants: {
        ...int8Grids,
        ...conv,
        ...plain,
        ...grid('o', 'int8', 0.2, -20),
        ...grid('m', 'int8', 0.01, 0),
        m: steps([48, 5], 3, 127),
        shape: tensor([2], Float64Array.of(1, -1)),
      },
    },
    QGemm: {
      inputs: { x: [1, 24] },
      nodes: [
        {
          op: 'QGemm',
          domain: microsoft,
          inputs: [...q('x', 'm'), 'C', 'y_s', 'y_z'],
          attributes: { transB: 1 },
        },
      ],
      constants: {
        ...int8Grids,
        m: steps([7, 24], 8, 100),
        m_s: scalar(0.02),
        m_z: tensor([], Int8Array.of(0)),
        C: tensor(
          [7],
          Int32Array.from({ length: 7 }, (_, i) => 300 * i - 900),
        ),
      },
    },
  });

  it('QLinearConv on uint8: the same integers, 128 lower', async () => {
    const uint8 = { ...grid('x', 'uint8', 0.03, -7), ...grid('y', 'uint8', 0.3, 4) };
    const weights = { ...conv, w: steps([6, 4, 3, 3], 1, 63) };
    const spec = { inputs: { x: [1, 4, 9, 8] }, nodes: [convNode], constants: { ...uint8, ...weights, ...plain } };
    const { graph, ...result } = await agreement(integerModel('uint8', spec), { samples: 6 });
    expect(result).toMatchObject({ differing: 0, maxSteps: 0 });
    expect(graph.inputs[0]).toMatchObject({ integer: 'uint8' });
    expect(graph.outputs[0]).toMatchObject({ integer: 'uint8' });
    expect(graph.tensors.get(graph.inputs[0]!.tensor)?.quant).toMatchObject({ zeroPoint: -7, qmin: -128, qmax: 127 });
  });
});
