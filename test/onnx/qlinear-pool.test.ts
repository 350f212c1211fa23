import { describe } from 'vitest';
import { checkIntegers, grid, int8Grids, microsoft, q } from './integer-models.ts';

const image = [1, 4, 9, 8];

describe('QLinear operators give the integers of ONNX Runtime', () => {
  const pool = { kernel_shape: [2, 3], strides: [2, 2] };
  checkIntegers({
    QLinearAveragePool: {
      inputs: { x: image },
      nodes: [{ op: 'QLinearAveragePool', domain: microsoft, inputs: [...q('x'), 'y_s', 'y_z'], attributes: pool }],
      constants: int8Grids,
    },
    'QLinearAveragePool with pads, on one grid, so that halves are common': {
      inputs: { x: image },
      nodes: [
        {
          op: 'QLinearAveragePool',
          domain: microsoft,
          inputs: [...q('x'), 'x_s', 'x_z'],
          attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] },
        },
      ],
      constants: int8Grids,
    },
    QLinearGlobalAveragePool: {
      inputs: { x: image },
      nodes: [{ op: 'QLinearGlobalAveragePool', domain: microsoft, inputs: [...q('x'), 'y_s', 'y_z'] }],
      constants: { ...int8Grids, ...grid('y', 'int8', 0.005, 4) },
    },
    'QLinearGlobalAveragePool, channels last': {
      inputs: { x: [1, 5, 6, 8] },
      nodes: [
        {
          op: 'QLinearGlobalAveragePool',
          domain: microsoft,
          inputs: [...q('x'), 'y_s', 'y_z'],
          attributes: { channels_last: 1 },
        },
      ],
      constants: { ...int8Grids, ...grid('y', 'int8', 0.005, 4) },
    },
  });
});
