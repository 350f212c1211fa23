import { describe } from 'vitest';
import type { ModelSpec, NodeSpec } from '../onnx/model-helper.ts';
import { check } from './check-cases.ts';

const image = [1, 6, 9, 8];

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
