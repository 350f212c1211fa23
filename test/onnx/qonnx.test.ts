import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { importSource } from '../../src/onnx/import.ts';
import { layerReports } from '../../src/quantize/report.ts';
import { agreement, fuse } from '../helpers/runtime-agreement.ts';
import {
  buildModel,
  importError,
  int64,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from './model-helper.ts';

const domain = 'qonnx.custom_op.general';

function quant(
  x: string,
  y: string,
  bits: number,
  scale: number | string,
  attributes: NodeSpec['attributes'],
  op = 'Quant',
) {
  const node = { op, domain, inputs: [x, typeof scale === 'string' ? scale : `${y}_s`, 'zero', `${y}_b`] };
  const constants = { [`${y}_b`]: scalar(bits), ...(typeof scale === 'number' && { [`${y}_s`]: scalar(scale) }) };
  return {
    node: { ...node, outputs: [y], attributes: { narrow: 0, rounding_mode: 'ROUND', ...attributes } },
    constants,
  };
}

/** A network as Brevitas exports it: narrow data and weights, BatchNormalization and biases in float, scores not rounded. */
function brevitas(weightScale: number): ModelSpec {
  const input = quant('image', 'x', 8, 1 / 128, { signed: 1 });
  const w1 = quant('w1', 'qw1', 4, 'w1_s', { signed: 1, narrow: 1 });
  const act = quant('r1', 'a1', 4, 0.2, { signed: 0 });
  const w2 = quant('w2', 'qw2', 3, weightScale, { signed: 1, narrow: 1 }, 'IntQuant');
  const nodes: NodeSpec[] = [
    input.node,
    w1.node,
    { op: 'Conv', name: 'conv', inputs: ['x', 'qw1', 'b1'], outputs: ['c1'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'BatchNormalization', inputs: ['c1', 'g', 'b', 'm', 'v'], outputs: ['n1'] },
    { op: 'Relu', inputs: ['n1'], outputs: ['r1'] },
    act.node,
    { op: 'MaxPool', inputs: ['a1'], outputs: ['p1'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
    { op: 'Reshape', inputs: ['p1', 'flat'], outputs: ['f1'] },
    w2.node,
    { op: 'Gemm', name: 'scores', inputs: ['f1', 'qw2', 'b2'], outputs: ['y'], attributes: { transB: 1 } },
  ];
  const channel = (seed: number, offset: number) => {
    const values = random([8], seed, 0.1);
    return tensor(
      [8],
      Float32Array.from(values.data, (v) => offset + v),
    );
  };
  const constants = {
    ...{ zero: scalar(0), flat: int64(1, 128), ...input.constants, ...w1.constants, ...act.constants, ...w2.constants },
    ...{ w1: random([8, 3, 3, 3], 1, 0.3), b1: random([8], 2, 0.1), w2: random([5, 128], 3, 0.2), b2: random([5], 4) },
    w1_s: tensor(
      [8, 1, 1, 1],
      Float32Array.from({ length: 8 }, (_, o) => 0.08 + 0.005 * o),
    ),
    ...{ g: channel(5, 1), b: channel(6, 0), m: channel(7, 0), v: channel(8, 1) },
  };
  return { inputs: { image: [1, 3, 8, 8] }, nodes, constants };
}

describe('a QONNX network', () => {
  it('agrees with its float meaning to within a step of its scores', async () => {
    const source = buildModel(brevitas(0.1));
    const runnable = exportFloat(await importSource(source, { path: 'net.onnx' })).model;
    const { graph, ...found } = await agreement(source, { samples: 40, runnable, range: [-0.9, 0.9] });
    expect(found.values).toBe(200);
    expect(found.maxSteps).toBeLessThanOrEqual(1);
    // With biases rounded to whole steps of the sum it is 10 of them.
    expect(found.differing).toBe(0);
    expect(graph.nodes.map((n) => n.op.kind)).toEqual(['conv2d', 'maxPool', 'reshape', 'fullyConnected']);
  });

  it('is proven with the widths that it was trained with, and gets segments where those are too wide', async () => {
    const [conv, scores] = layerReports(await fuse(buildModel(brevitas(0.1)), [-1, 1]));
    expect(conv).toMatchObject({ proven: true, dataBits: 8, lanes: 8, segments: 1 });
    expect(conv!.weightBits).toBeLessThanOrEqual(4);
    expect(scores).toMatchObject({ proven: true, dataBits: 4 });
    expect(scores!.weightBits).toBeLessThanOrEqual(3);
    // Σ|w|·15 of 128 weights of at most 3.
    expect(scores!.scalarBits).toBeLessThanOrEqual(Math.ceil(Math.log2(128 * 3 * 15 + 1)));
    const [layer] = layerReports(await fuse(buildModel(wideWeights()), [-1, 1]));
    expect(layer).toMatchObject({ proven: true, lanes: 8, accBits: 16 });
    expect(layer!.segments).toBeGreaterThan(1);
  });
});

/** One layer of 8-bit data and weights over 512 products, too much for eight lanes of 16 bits. */
function wideWeights(): ModelSpec {
  const input = quant('image', 'x', 8, 1 / 128, { signed: 1 });
  const w = quant('w', 'qw', 8, 1 / 100, { signed: 1, narrow: 1 });
  return {
    inputs: { image: [1, 512] },
    nodes: [input.node, w.node, { op: 'Gemm', name: 'scores', inputs: ['x', 'qw'], attributes: { transB: 1 } }],
    constants: { zero: scalar(0), ...input.constants, ...w.constants, w: random([4, 512], 9, 0.5) },
  };
}

describe('what QONNX cannot say here is refused', () => {
  const one = (node: NodeSpec, bits = 8): ModelSpec => ({
    inputs: { image: [1, 4] },
    nodes: [node],
    constants: { zero: scalar(0), s: scalar(0.1), b: scalar(bits), v: tensor([1, 4], Float32Array.of(1, 2, 3, 4)) },
  });
  it.each([
    [one({ op: 'Quant', domain, inputs: ['image', 's', 'zero', 'b'] }, 9), 'activations of 9 bits'],
    [one({ op: 'Quant', domain, inputs: ['image', 'v', 'zero', 'b'] }), 'activations with a scale for each channel'],
    [
      one({ op: 'Quant', domain, inputs: ['image', 's', 'zero', 'b'], attributes: { rounding_mode: 'FLOOR' } }),
      'activations rounded by FLOOR',
    ],
    [one({ op: 'BipolarQuant', domain, inputs: ['image', 's'] }), 'activations of −1 and 1 only'],
    [one({ op: 'Trunc', domain, inputs: ['image', 's', 'zero', 'b', 'b'] }), 'Trunc of a computed tensor'],
  ])('%#: %s', async (spec, message) => {
    expect(await importError(encodeModel(buildModel(spec)))).toMatchObject({ code: 'unsupported-operator', message });
  });
});
