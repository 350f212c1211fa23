import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { outputOf } from '../../src/graph/build.ts';
import { permuteShape, transposeData } from '../../src/graph/shape.ts';
import type { Graph, OpKind } from '../../src/graph/types.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { importSource } from '../../src/onnx/import.ts';
import type { SourceTensor } from '../../src/onnx/model.ts';
import { runModel } from '../../src/onnx/run.ts';
import { type FuseOptions, fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import { buildModel, type ModelSpec, type NodeSpec, scalar, tensor } from '../onnx/model-helper.ts';

const options: FuseOptions = { accBits: 16, lanes: 8, requant: 'float32', place: 'q.onnx' };

async function fused(spec: ModelSpec, given = options): Promise<Graph> {
  return fuseQdq(optimize(await importSource(buildModel(spec), { path: 'q.onnx' })), given);
}

/** Models of other tools: QuantizeLinear and DequantizeLinear of one grid are two nodes. */
class Qdq {
  readonly nodes: NodeSpec[] = [];
  readonly constants: Record<string, SourceTensor> = {};

  /** Rounds a value to a grid; `zero` decides between int8 and uint8. */
  round(x: string, scale: number, zero: SourceTensor): string {
    const id = `q${this.nodes.length}`;
    this.constants[`${id}.s`] = scalar(scale);
    this.constants[`${id}.z`] = zero;
    const inputs = [`${id}.s`, `${id}.z`];
    this.nodes.push({ op: 'QuantizeLinear', inputs: [x, ...inputs], outputs: [id], name: `${id}:quantize` });
    this.nodes.push({
      op: 'DequantizeLinear',
      inputs: [id, ...inputs],
      outputs: [`${id}.d`],
      name: `${id}:dequantize`,
    });
    return `${id}.d`;
  }

  node(op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): string {
    const name = `${op}${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [name], attributes, name });
    return name;
  }

  constant(name: string, value: SourceTensor): string {
    this.constants[name] = value;
    return name;
  }

  /** A constant behind its DequantizeLinear. */
  stored(name: string, value: SourceTensor, scale: SourceTensor, zero: SourceTensor): string {
    const inputs = [this.constant(name, value), this.constant(`${name}.s`, scale), this.constant(`${name}.z`, zero)];
    this.nodes.push({ op: 'DequantizeLinear', inputs, outputs: [`${name}.d`], attributes: { axis: 0 } });
    return `${name}.d`;
  }

  model(outputs: readonly string[], shape: readonly number[] = [1, 4, 6, 6]): ModelSpec {
    return { inputs: { x: shape }, nodes: this.nodes, constants: this.constants, outputs };
  }
}

const int8 = (v: number) => tensor([], Int8Array.of(v));
const uint8 = (v: number) => tensor([], Uint8Array.of(v));

function integers(count: number, lo: number, hi: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.int(lo, hi));
}

/** −128 among them. */
function weightsOf(seed: number): number[] {
  return [-128, ...integers(287, -128, 127, seed)];
}

/** Convolution 4 → 8, 3×3, with int8 weights of a scale each and an int32 bias. */
function conv(m: Qdq, x: string, inputScale: number, seed: number): string {
  const scales = Float32Array.from(integers(8, 5, 20, seed), (v) => v / 4096);
  const zeros = tensor([8], new Int8Array(8));
  const w = m.stored(`w${seed}`, tensor([8, 4, 3, 3], Int8Array.from(weightsOf(seed))), tensor([8], scales), zeros);
  const steps = scales.map((s) => s * inputScale);
  const bias = tensor([8], Int32Array.from(integers(8, -900, 900, seed)));
  const b = m.stored(`b${seed}`, bias, tensor([8], steps), tensor([8], new Int32Array(8)));
  return m.node('Conv', [x, w, b], { pads: [1, 1, 1, 1] });
}

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

describe('fuseQdq refuses', () => {
  async function detailsOf(spec: ModelSpec, given = options): Promise<readonly string[]> {
    const error: unknown = await fused(spec, given).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: 'unsupported', code: 'not-quantized' });
    return (error as { details: readonly string[] }).details;
  }

  it('a float network, naming everything', async () => {
    const m = new Qdq();
    const y = m.node('Relu', [
      m.node('Conv', ['x', m.constant('w', tensor([2, 4, 1, 1], new Float32Array(8).fill(1)))]),
    ]);
    expect(await detailsOf(m.model([y]))).toEqual([
      'input "x": it is not quantized',
      'node "Conv0" (Conv): its input is not quantized',
    ]);
  });

  it('float weights, and an output that nothing rounds', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.05, int8(0));
    const w = m.constant('w', tensor([2, 4, 1, 1], new Float32Array(8).fill(1)));
    const y = m.round(m.node('Conv', [x, w]), 0.1, int8(0));
    const z = m.node('Sigmoid', [y]);
    expect(await detailsOf(m.model([z]))).toEqual([
      'node "Conv2" (Conv): its weights are not quantized',
      'node "Sigmoid5" (Sigmoid): its output is not quantized',
    ]);
  });

  it('one value on two grids, and readers in front of a grid', async () => {
    const m = new Qdq();
    const a = m.round('x', 0.05, int8(0));
    const b = m.round('x', 0.07, int8(0));
    const y = m.round(m.node('Add', [a, b]), 0.1, int8(0));
    const details = await detailsOf(m.model([y]));
    expect(details[0]).toBe('node "q2:quantize" (QuantizeLinear): its input is quantized in two ways');

    const r = new Qdq();
    const rounded = r.round('x', 0.05, int8(0));
    const sum = r.round(r.node('Add', [rounded, 'x']), 0.1, int8(0));
    expect(await detailsOf(r.model([sum]))).toEqual([
      'node "Add2" (Add): it reads a value that is quantized for others only',
    ]);
  });

  it('weights around a zero point that takes them out of int8', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.05, int8(0));
    const w = m.stored('w', tensor([2, 4, 1, 1], Uint8Array.from([0, 255, 1, 2, 3, 4, 5, 6])), scalar(0.1), uint8(3));
    const y = m.round(m.node('Conv', [x, w]), 0.1, int8(0));
    expect(await detailsOf(m.model([y]))).toEqual([
      'node "Conv3" (Conv): its weights, -3 to 252 around their zero point, exceed int8',
    ]);
  });

  it('weights that no flushing fits into the accumulator', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.03, int8(0));
    const spec = m.model([m.round(conv(m, x, 0.03, 6), 0.1, int8(0))]);
    await expect(fused(spec, { ...options, accBits: 12 })).rejects.toMatchObject({ code: 'accumulator-overflow' });
  });
});
