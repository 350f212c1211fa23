import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createModelBuilder } from '../../src/onnx/build-model.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { runModel } from '../../src/onnx/run.ts';
import { createSession } from '../../src/onnx/session.ts';
import { buildModel, expectFaithful, int64, type ModelSpec, random } from './model-helper.ts';

const spec: ModelSpec = {
  inputs: { x: [1, 3, 8, 6] },
  nodes: [
    { op: 'Conv', inputs: ['x', 'w'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'Sigmoid', inputs: ['x'] },
    { op: 'Add', inputs: ['n0', 'n1'] },
    { op: 'GlobalAveragePool', inputs: ['n2'] },
    { op: 'Flatten', inputs: ['n3'] },
  ],
  constants: { w: random([3, 3, 3, 3], 1, 0.3) },
};

describe('exportFloat', () => {
  it('gives every activation on request, channels first, as the source model computes it', async () => {
    const { optimized } = await expectFaithful(spec);
    const { model, activations } = exportFloat(optimized, { activations: true });
    const ids = [...optimized.tensors.values()].filter((t) => t.data === undefined).map((t) => t.id);
    expect([...activations.keys()].sort()).toEqual(ids.sort());
    const feeds = new Map([['x', random([1, 3, 8, 6], 9)]]);
    const actual = await runModel(model, feeds);
    const source = buildModel({ ...spec, outputs: ['n0', 'n1', 'n2', 'n3', 'n4'] });
    const expected = await runModel(source, feeds);
    expect(actual.get(activations.get('x')!)!.data).toEqual(feeds.get('x')!.data);
    for (const id of ['n0', 'n1', 'n2', 'n3']) {
      const [a, e] = [actual.get(activations.get(id)!)!, expected.get(id)!];
      expect(a.shape, id).toEqual(e.shape);
      a.data.forEach((v, i) => void expect(v, id).toBeCloseTo(e.data[i]!, 4));
    }
  });

  it('names inputs and outputs as the source did, and nodes after theirs', async () => {
    const { optimized } = await expectFaithful(spec);
    const { model } = exportFloat(optimized);
    expect(model.inputs.map((i) => [i.name, i.shape])).toEqual([['x', [1, 3, 8, 6]]]);
    expect(model.outputs.map((o) => [o.name, o.shape])).toEqual([['n4', [1, 3]]]);
    // Channels-last in the graph, channels-first in the file: nothing is transposed.
    expect(model.nodes.map((n) => n.name)).toEqual([
      'conv_0/Conv',
      'sigmoid_1/Sigmoid',
      'add_2/Add',
      'globalaveragepool_3/GlobalAveragePool',
      'Reshape_4',
    ]);
    expect(encodeModel(model)).toEqual(encodeModel(exportFloat(optimized).model));
  });
});

describe('createModelBuilder', () => {
  it('keeps names apart and writes equal small constants once', () => {
    const b = createModelBuilder('g', ['Relu']);
    const x = b.input('x', [1]);
    const y = b.node('Relu', [x]);
    expect(y).toBe('Relu.1');
    expect(b.constant('c', [1], Float32Array.of(1))).toBe('c');
    expect(b.constant('c', [1], Float32Array.of(1))).toBe('c');
    expect(b.constant('c', [1], Float32Array.of(2))).toBe('c.1');
    b.output('Relu', y, [1]);
    expect(b.build().nodes).toMatchObject([{ opType: 'Relu', inputs: ['x'], outputs: ['Relu'] }]);
  });
});

describe('createSession', () => {
  it('keeps ONNX Runtime from padding a maximum with zeros that do not win', async () => {
    const model = buildModel({
      inputs: { x: [1, 1, 2, 2] },
      nodes: [
        { op: 'Pad', inputs: ['x', 'pads'] },
        { op: 'MaxPool', inputs: ['n0'], attributes: { kernel_shape: [2, 2] } },
      ],
      constants: { pads: int64(0, 0, 1, 1, 0, 0, 0, 0) },
    });
    const session = await createSession(model);
    const outputs = await session.run({ x: new Tensor('float32', new Float32Array(4).fill(-1), [1, 1, 2, 2]) });
    await session.release();
    expect([...(outputs['n1']!.data as Float32Array)]).toEqual([0, 0, 0, -1]);
  });
});
