import { describe, expect, it } from 'vitest';
import { agreement } from '../helpers/runtime-agreement.ts';
import { checkIntegers, grid, int8Grids, integerModel, microsoft, q } from './integer-models.ts';
import type { ModelSpec } from './model-helper.ts';

function softmax(scale: number, zeroPoint: number): ModelSpec {
  const inputs = [...q('x'), 'y_s', 'y_z'];
  return {
    inputs: { x: [1, 12] },
    nodes: [{ op: 'QLinearSoftmax', domain: microsoft, inputs, attributes: { axis: -1, opset: 13 } }],
    constants: { ...int8Grids, ...grid('y', 'int8', scale, zeroPoint) },
  };
}

describe('QLinear operators give the integers of ONNX Runtime', () => {
  checkIntegers({ QLinearSoftmax: softmax(1 / 256, -128) });

  it.each([
    [1 / 255, -128],
    [0.0055, -100],
    [1 / 128, 3],
    [0.03, -128],
  ])('QLinearSoftmax in steps of %f from %i', async (scale, zeroPoint) => {
    const result = await agreement(integerModel('int8', softmax(scale, zeroPoint)), { samples: 20 });
    expect(result).toMatchObject({ values: 240, differing: 0 });
  });
});
