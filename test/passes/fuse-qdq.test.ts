import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { outputOf } from '../../src/graph/build.ts';
import { permuteShape, transposeData } from '../../src/graph/shape.ts';
import type { Graph, OpKind } from '../../src/graph/types.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { runModel } from '../../src/onnx/run.ts';
import { buildModel, type ModelSpec, scalar, tensor } from '../onnx/model-helper.ts';
import { conv, fused, int8, integers, Qdq, uint8, weightsOf } from './qdq-models.ts';

/** The fused graph computes what ONNX Runtime computes, within `steps` of the output's grid. */
async function expectLikeOnnxRuntime(spec: ModelSpec, graph: Graph, steps: number): Promise<void> {
  const bytes = encodeModel(buildModel(spec));
  const port = graph.inputs[0]!;
  const out = graph.outputs[0]!;
  const { scale, zeroPoint } = graph.tensors.get(out.tensor)!.quant!;
  const random = createRandom(3);
  let largest = 0;
  for (let i = 0; i < 4; i++) {
    const real = Float32Array.from({ length: port.shape.reduce((a, b) => a * b) }, () => random.normal());
    const expected = await runModel(bytes, new Map([[port.name, tensor(port.shape, real)]]));
    const x = inputQuantizer(graph, port)(real, 1);
    const y = inOnnxOrder(graph, runReference(graph, new Map([[port.tensor, x]])).get(out.tensor)!);
    expected.get(out.name)!.data.forEach((v, k) => {
      const difference = Math.abs(scale[0]! * (y[k]! - zeroPoint) - v) / scale[0]!;
      expect(difference).toBeLessThanOrEqual(steps + 1e-3);
      largest = Math.max(largest, Math.abs(v));
    });
  }
  expect(largest).toBeGreaterThan(0);
}

/** The output through the views of its port. */
function inOnnxOrder(graph: Graph, values: Int8Array): Int8Array {
  const { tensor: id, views } = graph.outputs[0]!;
  let [data, shape] = [values, graph.tensors.get(id)!.shape];
  for (const view of views) {
    if (view.kind === 'transpose') data = transposeData(data, shape, view.perm, new Int8Array(data.length));
    shape = view.kind === 'transpose' ? permuteShape(shape, view.perm) : view.shape;
  }
  return data;
}

function kindsOf(graph: Graph): OpKind[] {
  return graph.nodes.map((n) => n.op.kind);
}

describe('fuseQdq on files of other tools', () => {
  it('takes int8 and uint8 grids, weights of −128, fused activations; accumulators flush where the weights demand', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.03, uint8(120));
    const y = m.round(m.node('Relu', [conv(m, x, 0.03, 1)]), 0.05, uint8(0));
    const spec = m.model([y]);
    const graph = await fused(spec);
    expect(kindsOf(graph)).toEqual(['conv2d']);
    const [node] = graph.nodes;
    expect(node!.op).toMatchObject({ clamp: { lo: 0, hi: Infinity }, integer: { requant: 'float32', mode: 'proven' } });
    expect(outputOf(graph, node!).quant).toEqual({
      scale: [Math.fround(0.05)],
      zeroPoint: -128,
      qmin: -128,
      qmax: 127,
    });
    expect(graph.tensors.get(node!.inputs[0]!)!.quant!.zeroPoint).toBe(-8);
    const weights = graph.tensors.get(node!.inputs[1]!)!;
    expect(weights.quant!.qmin).toBe(-128);
    // O×C×kh×kw became O×kh×kw×C.
    expect(weights.data![1]).toBe(weightsOf(1)[9]);
    expect(Array.from(graph.tensors.get(node!.inputs[2]!)!.data!)).toEqual(integers(8, -900, 900, 1));
    await expectLikeOnnxRuntime(spec, graph, 0);
  });

  it('expands one scale for all weights, and rounds a float bias', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.03, int8(0));
    const w = m.stored('w', tensor([3, 4], Int8Array.from(integers(12, -127, 127, 2))), scalar(0.01), int8(0));
    const b = m.constant('b', tensor([3], Float32Array.of(0.1, -0.2, 0)));
    const y = m.round(m.node('Gemm', [x, w, b], { transB: 1 }), 0.02, int8(5));
    const spec = m.model([y], [1, 4]);
    const graph = await fused(spec);
    const [node] = graph.nodes;
    expect(graph.tensors.get(node!.inputs[1]!)!.quant!.scale).toEqual(new Array(3).fill(Math.fround(0.01)));
    const steps = Math.fround(0.03) * Math.fround(0.01);
    const expected = [0.1, -0.2, 0].map((v) => Math.round(Math.fround(v) / steps));
    expect(Array.from(graph.tensors.get(node!.inputs[2]!)!.data!, (v) => v)).toEqual(expected);
    await expectLikeOnnxRuntime(spec, graph, 1);
  });

  it('carries grids over operators that only move values, forwards and backwards', async () => {
    const m = new Qdq();
    const pooled = m.node('MaxPool', ['x'], { kernel_shape: [2, 2], strides: [2, 2] });
    const x = m.round(pooled, 0.03, int8(3));
    const y = m.round(conv(m, x, 0.03, 4), 0.1, int8(0));
    const spec = m.model([m.node('MaxPool', [y], { kernel_shape: [3, 3] })]);
    const graph = await fused(spec);
    expect(kindsOf(graph)).toEqual(['maxPool', 'conv2d', 'maxPool']);
    expect(graph.tensors.get(graph.inputs[0]!.tensor)!.quant!.zeroPoint).toBe(3);
    await expectLikeOnnxRuntime(spec, graph, 0);
  });

  it('puts a table between grids: before a Concat, where a value is rounded twice', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.05, int8(0));
    const coarse = m.round(x, 0.11, int8(-7));
    const y = m.round(m.node('Concat', [x, coarse], { axis: 1 }), 0.08, int8(2));
    const spec = m.model([y]);
    const graph = await fused(spec);
    expect(kindsOf(graph)).toEqual(['unary', 'unary', 'unary', 'concat']);
    await expectLikeOnnxRuntime(spec, graph, 0);
  });

  it('gives a softmax straight onto the grid that the file names', async () => {
    const m = new Qdq();
    const p = m.round(m.node('Softmax', [m.round('x', 0.05, int8(0))], { axis: 1 }), 1 / 128, int8(-128));
    const spec = m.model([p], [1, 10]);
    const graph = await fused(spec);
    expect(kindsOf(graph)).toEqual(['softmax']);
    expect(graph.tensors.get(graph.outputs[0]!.tensor)!.quant!.scale).toEqual([1 / 128]);
    await expectLikeOnnxRuntime(spec, graph, 1);
  });

  it('gives a softmax that ends the network its own grid', async () => {
    const m = new Qdq();
    const graph = await fused(m.model([m.node('Softmax', [m.round('x', 0.05, int8(0))], { axis: 1 })], [1, 10]));
    expect(graph.tensors.get(graph.outputs[0]!.tensor)!.quant).toEqual({
      scale: [1 / 256],
      zeroPoint: -128,
      qmin: -128,
      qmax: 127,
    });
  });

  it('shares one grid among readers that each have their own QuantizeLinear', async () => {
    const m = new Qdq();
    const a = m.round('x', 0.05, int8(0));
    const b = m.round('x', 0.05, int8(0));
    const y = m.round(m.node('Add', [a, b]), 0.1, int8(0));
    const spec = m.model([y]);
    const graph = await fused(spec);
    expect(kindsOf(graph)).toEqual(['add']);
    expect(new Set(graph.nodes[0]!.inputs).size).toBe(1);
    await expectLikeOnnxRuntime(spec, graph, 1);
  });
});
