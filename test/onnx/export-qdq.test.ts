import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { Graph } from '../../src/graph/types.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { importSource } from '../../src/onnx/import.ts';
import { type QdqMetadata, readMetadata } from '../../src/onnx/metadata.ts';
import { runModel } from '../../src/onnx/run.ts';
import { quantOf } from '../../src/ops/quantized.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import type { LayerOverride, QuantizeOptions } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { mixedNetwork, Network, noise, relu } from '../quantize/networks.ts';
import { defaults, meaningOf, writtenAndRead } from './round-trip.ts';

async function quantized(options: Partial<QuantizeOptions>): Promise<Graph> {
  const float = optimize(mixedNetwork());
  return (await quantize(float, noise(float, 16), options)).graph;
}

function outputOf(graph: Graph, real: Float32Array): Int8Array {
  const port = graph.inputs[0]!;
  const x = inputQuantizer(graph, port)(real, 1);
  return runReference(graph, new Map([[port.tensor, x]])).get(graph.outputs[0]!.tensor)!;
}

describe('a quantized graph, written as QDQ and read back', () => {
  const layers = new Map<string, LayerOverride>([['conv2d6', { segments: 2, accBits: 14 }]]);
  it.each<[string, Partial<QuantizeOptions>]>([
    ['by default', {}],
    ['4 data bits', { bits: 4 }],
    ['a scalar accumulator', { lanes: 1, bits: 6 }],
    ['8 bits', { accBits: 8, segments: 2 }],
    ['32 bits', { accBits: 32, requant: 'float32' }],
    ['power-of-two scales', { requant: 'shift' }],
    ['errors diffused', { bits: 4, techniques: parseTechniques('diffusion,bias') }],
    ['one layer otherwise', { layers }],
  ])('is the same: %s', async (_, options) => {
    const graph = await quantized(options);
    const read = await writtenAndRead(graph);
    expect(meaningOf(read)).toEqual(meaningOf(graph));
    expect([read.inputs[0]!.name, read.outputs[0]!.name]).toEqual(['x', 'softmax13:out']);
    const random = createRandom(5);
    for (let i = 0; i < 5; i++) {
      const real = Float32Array.from({ length: 192 }, () => random.normal());
      expect(outputOf(read, real)).toEqual(outputOf(graph, real));
    }
  });
});

describe('layers in the Winograd domain', () => {
  const network = () => {
    const n = new Network('w', 5);
    const stem = n.conv(n.input([1, 9, 9, 3]), 16, 3, { clamp: relu });
    return n.build(n.conv(n.conv(stem, 17, 3, { clamp: relu }), 4, 3));
  };

  it.each(['f2', 'f2-exact', 'f4'] as const)(
    'are written as convolutions and read back as they are: %s',
    async (form) => {
      const float = network();
      const { graph } = await quantize(float, noise(float, 8), { winograd: form });
      expect(graph.nodes.map((node) => node.op.kind)).toEqual(['conv2d', 'winograd', 'winograd']);
      expect(meaningOf(await writtenAndRead(graph))).toEqual(meaningOf(graph));
      // Others see 8-bit convolutions that do nearly the same.
      const model = exportQdq(graph);
      expect(model.nodes.filter((n) => n.opType === 'Conv')).toHaveLength(3);
      const real = noise(float, 1, 99).batch(0, 1);
      const feeds = new Map([['x', { shape: [1, 9, 9, 3], dtype: 'float32', data: real } as const]]);
      const [y] = [...(await runModel(encodeModel(model), feeds)).values()];
      const { step, zeroPoint } = quantOf(graph.tensors.get(graph.outputs[0]!.tensor)!);
      const ours = Float32Array.from(outputOf(graph, real), (q) => step * (q - zeroPoint));
      let [error, power] = [0, 0];
      ours.forEach((v, i) => {
        error += (v - y!.data[i]!) ** 2;
        power += v ** 2;
      });
      expect(error / power).toBeLessThan(form === 'f4' ? 0.06 : 0.01);
    },
  );

  it('are refused where they do not fit the convolution', async () => {
    const float = network();
    const { graph } = await quantize(float, noise(float, 8), { winograd: 'f4' });
    const source = exportQdq(graph);
    const metadata = JSON.parse(source.metadata.get('neonarrow')!);
    metadata.layers[1].winograd.bias = '';
    const changed = new Map([...source.metadata, ['neonarrow', JSON.stringify(metadata)] as const]);
    const read = optimize(await importSource(await decodeModel(encodeModel(source), 'q.onnx'), { path: 'w.onnx' }));
    expect(() => fuseQdq(read, { ...defaults, metadata: readMetadata(changed, 'q.onnx') })).toThrow(
      'in the Winograd domain does not fit it',
    );
  });
});

describe('the QDQ file', () => {
  it('is standard ONNX that ONNX Runtime runs, in the float model’s names and shapes, to about the same result', async () => {
    const graph = await quantized({ bits: 6 });
    const model = exportQdq(graph, new Map([['recipe', '{}']]));
    expect(model.opsets.get('')).toBeLessThanOrEqual(17);
    expect(model.inputs).toMatchObject([{ name: 'x', shape: [1, 8, 8, 3], dtype: 'float32' }]);
    expect(model.outputs).toMatchObject([{ name: 'softmax13:out', shape: [1, 4], dtype: 'float32' }]);
    expect(model.metadata.get('recipe')).toBe('{}');
    const random = createRandom(6);
    for (let i = 0; i < 5; i++) {
      const real = Float32Array.from({ length: 192 }, () => random.normal());
      const feeds = new Map([['x', { shape: [1, 8, 8, 3], dtype: 'float32', data: real } as const]]);
      const y = (await runModel(encodeModel(model), feeds)).get('softmax13:out')!.data;
      const ours = Array.from(outputOf(graph, real), (q) => (q + 128) / 256);
      // Roundings differ (float32 requantization there, fixed point here): a step of some activations, a few of the output.
      ours.forEach((p, k) => {
        expect(Math.abs(p - y[k]!)).toBeLessThan(0.06);
      });
    }
  });

  it('clips activations below 8 bits and no others, and holds weights as int8, biases as int32', async () => {
    const graph = await quantized({ bits: 6 });
    const { nodes, initializers } = exportQdq(graph);
    const clips = nodes.filter((n) => n.opType === 'Clip' && initializers.get(n.inputs[1]!)?.dtype === 'int8');
    const narrow = [...graph.tensors.values()].filter((t) => t.data === undefined && t.quant!.qmin > -128);
    expect(clips).toHaveLength(narrow.length);
    const first = nodes.find((n) => n.opType === 'Conv')!;
    const [, w, b] = first.inputs.map((name) => nodes.find((n) => n.outputs[0] === name)!);
    expect([w!.opType, initializers.get(w!.inputs[0]!)?.dtype]).toEqual(['DequantizeLinear', 'int8']);
    expect([b!.opType, initializers.get(b!.inputs[0]!)?.dtype]).toEqual(['DequantizeLinear', 'int32']);
    expect(initializers.get(w!.inputs[1]!)?.shape).toEqual([8]);
  });
});

describe('metadata', () => {
  const read = (text: string) => readMetadata(new Map([['neonarrow', text]]), 'q.onnx');

  it('is absent in files of others', () => {
    expect(readMetadata(new Map([['producer', 'x']]), 'q.onnx')).toBeUndefined();
  });

  it.each([
    ['{', 'it is not JSON'],
    ['{"version":2,"layers":[],"operators":{}}', '"version": is not a version that this neonarrow reads'],
    ['{"version":1,"operators":{}}', '"layers": '],
    ['{"version":1,"layers":[{"name":"a","requant":"half"}],"operators":{}}', '"layers.0.requant": '],
    ['{"version":1,"layers":[],"operators":{},"diffused":[{"name":"a","pixelSum":0}]}', '"diffused.0.pixelSum": '],
    ['{"version":1,"layers":[],"operators":{},"diffused":[{"name":"a","pixelSum":1.5}]}', '"diffused.0.pixelSum": '],
  ])('is refused where it is not valid: %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'bad-metadata', place: 'q.onnx' }));
  });

  it('of another network is refused', async () => {
    const graph = await quantized({});
    const source = await decodeModel(encodeModel(exportQdq(graph)), 'q.onnx');
    const metadata = readMetadata(source.metadata, 'q.onnx')!;
    const float = optimize(await importSource(source, { path: 'q.onnx' }));
    const fuse = (layers: typeof metadata.layers) => fuseQdq(float, { ...defaults, metadata: { ...metadata, layers } });
    expect(() => fuse(metadata.layers.slice(1))).toThrow('it does not describe layer "conv2d0"');
    expect(() => fuse([...metadata.layers, metadata.layers[0]!])).toThrow('the network has no layer "conv2d0"');
    const [first, ...rest] = metadata.layers;
    const narrow = { ...first!.accumulator, bits: 8 };
    expect(() => fuse([{ ...first!, accumulator: narrow }, ...rest])).toThrow('too much for 8 bits');
  });

  it('is refused where errors can not be diffused: at nodes that are not there, or make no few steps of many', async () => {
    const graph = await quantized({ bits: 4, techniques: parseTechniques('diffusion,bias') });
    const source = await decodeModel(encodeModel(exportQdq(graph)), 'q.onnx');
    const metadata = readMetadata(source.metadata, 'q.onnx')!;
    const float = optimize(await importSource(source, { path: 'q.onnx' }));
    const fuse = (diffused: QdqMetadata['diffused']) =>
      fuseQdq(float, { ...defaults, metadata: { ...metadata, diffused } });
    const known = metadata.diffused!;
    expect(known.length).toBeGreaterThan(0);
    expect(() => fuse([...known, { name: 'nowhere' }])).toThrow('the network has no node "nowhere" to diffuse errors');
    const other = graph.nodes.find(({ op }) => op.kind === 'maxPool' || op.kind === 'softmax')!.origin.name;
    expect(() => fuse([...known, { name: other }])).toThrow(`errors can't be diffused at "${other}"`);
  });
});
