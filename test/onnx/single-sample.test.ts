import { describe, expect, it } from 'vitest';
import { importSource } from '../../src/onnx/import.ts';
import { singleSample } from '../../src/onnx/single-sample.ts';
import { buildModel, int64, type ModelSpec, random } from './model-helper.ts';

const net: ModelSpec = {
  inputs: { x: [8, 3, 4, 4] },
  nodes: [
    { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
    { op: 'Reshape', inputs: ['c', 'target'], outputs: ['f'] },
    { op: 'Gemm', inputs: ['f', 'm'], outputs: ['y'] },
  ],
  constants: { w: random([2, 3, 1, 1], 1), m: random([32, 5], 2), target: int64(8, 32) },
};

/** With the output's shape, as files have it. */
function modelOf(spec: ModelSpec, output: readonly number[]) {
  const model = buildModel(spec);
  return { ...model, outputs: model.outputs.map((o) => ({ ...o, shape: output })) };
}

describe('singleSample', () => {
  it('makes a batch of 8 one of 1, targets of Reshape too', async () => {
    const { model, batch } = singleSample(modelOf(net, [8, 5]), []);
    expect(batch).toBe(8);
    const graph = await importSource(model, { path: 'net.onnx' });
    expect(graph.inputs[0]!.shape).toEqual([1, 3, 4, 4]);
    expect(graph.outputs[0]!.shape).toEqual([1, 5]);
  });

  it.each([
    ['a batch of one', modelOf({ ...net, inputs: { x: [1, 3, 4, 4] } }, [1, 5]), []],
    ['a symbolic batch', modelOf({ ...net, inputs: { x: ['N', 3, 4, 4] } }, [8, 5]), []],
    ['an extent that the outputs do not have', modelOf(net, [1, 40]), []],
    ['a shape that the user gives', modelOf(net, [8, 5]), ['x']],
  ])('leaves %s', (_, model, fixed) => {
    expect(singleSample(model, fixed)).toEqual({ model });
  });
});
