import { describe } from 'vitest';
import { checkIntegers, grid, int8Grids, microsoft, q, steps } from './integer-models.ts';

const image = [1, 4, 9, 8];

describe('QLinear operators give the integers of ONNX Runtime', () => {
  checkIntegers({
    'QLinearAdd of two tensors': {
      inputs: { x: image },
      nodes: [
        { op: 'QLinearSigmoid', domain: microsoft, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
        { op: 'QLinearAdd', domain: microsoft, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
      ],
      constants: { ...int8Grids, ...grid('b', 'int8', 1 / 256, -128) },
    },
    'QLinearMul of two tensors': {
      inputs: { x: image },
      nodes: [
        { op: 'QLinearSigmoid', domain: microsoft, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
        { op: 'QLinearMul', domain: microsoft, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
      ],
      constants: { ...int8Grids, ...grid('b', 'int8', 1 / 256, -128), ...grid('y', 'int8', 0.0171, -31) },
    },
    'QLinearMul with a gate for each channel': {
      inputs: { x: image },
      nodes: [
        { op: 'QLinearGlobalAveragePool', domain: microsoft, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
        { op: 'QLinearMul', domain: microsoft, inputs: [...q('b', 'x'), 'y_s', 'y_z'] },
      ],
      constants: { ...int8Grids, ...grid('b', 'int8', 0.003, 5), ...grid('y', 'int8', 0.0013, 9) },
    },
    'QLinearMul with a constant for each channel': {
      inputs: { x: image },
      nodes: [{ op: 'QLinearMul', domain: microsoft, inputs: [...q('x', 'b'), 'y_s', 'y_z'] }],
      constants: {
        ...int8Grids,
        ...grid('b', 'int8', 0.01, -3),
        ...grid('y', 'int8', 0.031, 2),
        b: steps([4, 1, 1], 6, 127),
      },
    },
    'QLinearAdd with broadcasting': {
      inputs: { x: image },
      nodes: [
        { op: 'QLinearGlobalAveragePool', domain: microsoft, inputs: [...q('x'), 'b_s', 'b_z'], outputs: ['b'] },
        { op: 'QLinearAdd', domain: microsoft, inputs: [...q('x', 'b'), 'y_s', 'y_z'] },
      ],
      constants: { ...int8Grids, ...grid('b', 'int8', 0.003, 5) },
    },
    'QLinearAdd of a constant': {
      inputs: { x: [1, 16] },
      nodes: [{ op: 'QLinearAdd', domain: microsoft, inputs: [...q('x', 'b'), 'y_s', 'y_z'] }],
      constants: { ...int8Grids, ...grid('b', 'int8', 0.07, 11), b: steps([16], 5, 127) },
    },
    'QLinearConcat of two grids': {
      inputs: { x: image },
      nodes: [
        {
          op: 'QLinearLeakyRelu',
          domain: microsoft,
          inputs: [...q('x'), 'b_s', 'b_z'],
          outputs: ['b'],
          attributes: { alpha: { float: 0.25 } },
        },
        { op: 'QLinearConcat', domain: microsoft, inputs: ['y_s', 'y_z', ...q('x', 'b')], attributes: { axis: 1 } },
      ],
      constants: { ...int8Grids, ...grid('b', 'int8', 0.04, 9) },
    },
  });
});
