import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { importModel } from '../../src/onnx/import.ts';
import { buildModel, importError, oneConv } from './model-helper.ts';

const plain = oneConv.model;

describe('input shapes', () => {
  it('a symbolic batch becomes 1', async () => {
    const graph = await importModel(encodeModel(buildModel({ ...plain, inputs: { x: ['N', 3, 8, 8] } })), {
      path: 'n.onnx',
    });
    expect(graph.inputs[0]!.shape).toEqual([1, 3, 8, 8]);
    expect(graph.outputs[0]!.shape).toEqual([1, 4, 6, 6]);
  });

  it('other open extents are asked for', async () => {
    expect(await importError({ ...plain, inputs: { x: ['N', 3, 'height', undefined] } })).toEqual({
      kind: 'reject',
      code: 'dynamic-shape',
      message: 'its shape is Nx3xheightx?; all extents but the batch must be known',
      place: 'input "x"',
      hint: 'Fix them with --input-shape x=1x3x32x32 (with the sizes that you want).',
    });
  });

  it('the user can give them', async () => {
    const bytes = encodeModel(buildModel({ ...plain, inputs: { x: ['N', 3, 'height', undefined] } }));
    const graph = await importModel(bytes, { path: 'n.onnx', inputShapes: { x: [2, 3, 5, 6] } });
    expect(graph.outputs[0]!.shape).toEqual([2, 4, 3, 4]);
  });

  it('must fit what the model fixes', async () => {
    expect(await importError(plain, { inputShapes: { x: [1, 1, 8, 8] } })).toMatchObject({
      code: 'input-shape-mismatch',
      message: '--input-shape gives 1x1x8x8, the model has 1x3x8x8',
      place: 'input "x"',
    });
    expect(await importError(plain, { inputShapes: { y: [1] } })).toMatchObject({
      message: 'the model has no input "y"',
      hint: 'Its inputs are "x".',
    });
  });
});
