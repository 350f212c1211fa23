import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Dataset } from '../../../src/data/dataset.ts';
import { sizeOf } from '../../../src/graph/shape.ts';
import type { Graph } from '../../../src/graph/types.ts';
import { createExactEvaluator } from '../../../src/interpret/exact.ts';
import { createFloatEvaluator } from '../../../src/interpret/float.ts';
import { inputQuantizer } from '../../../src/interpret/quantize-input.ts';
import { certify } from '../../../src/proof/certify.ts';
import { checkQuantized } from '../../../src/quantize/check.ts';
import type { QuantizeOptions } from '../../../src/quantize/options.ts';
import { quantize } from '../../../src/quantize/quantize.ts';
import { defaultTechniques, parseTechniques } from '../../../src/quantize/techniques.ts';
import { datasetOf, mixedNetwork, Network, relu } from '../networks.ts';

/** Smooth images: neighbours are alike, as they are in photographs; errors then add up in other ways than values. */
function images(graph: Graph, count: number, seed: number): Dataset {
  const [, height, width, channels] = graph.inputs[0]!.shape as [number, number, number, number];
  const image = (i: number) => {
    const random = createRandom(seed, i);
    const waves = Array.from({ length: 4 }, () => [random.float() * 2, random.float() * 2, random.float() * 6]);
    const gains = Array.from({ length: channels }, () => 0.5 + random.float());
    return Float32Array.from({ length: height * width * channels }, (_, k) => {
      const [y, x] = [Math.floor(k / channels / width), Math.floor(k / channels) % width];
      const wave = waves.reduce((sum, [fy, fx, phase]) => sum + triangle(fy! * y + fx! * x + phase!), 0);
      return gains[k % channels]! * wave;
    });
  };
  return datasetOf(
    sizeOf(graph.inputs[0]!.shape),
    Array.from({ length: count }, (_, i) => image(i)),
  );
}

const triangle = (t: number) => Math.abs((t % 4) - 2) - 1;

function residual(): Graph {
  const n = new Network('residual');
  const stem = n.conv(n.input([1, 8, 8, 3]), 12, 3, { clamp: relu });
  const inner = n.conv(n.conv(stem, 12, 3, { clamp: relu }), 12, 3);
  const sum = n.node({ kind: 'add', clamp: relu }, [inner, stem]);
  return n.build(n.conv(n.conv(sum, 16, 3, { clamp: relu }), 6, 1));
}

/** SQNR in dB of the output on images that calibration has not seen. */
async function outputQuality(float: Graph, options: Partial<QuantizeOptions>): Promise<number> {
  const { graph } = await quantize(float, images(float, 96, 5), options);
  checkQuantized(graph);
  certify(graph);
  const [count, data] = [16, images(float, 16, 6)];
  const id = float.outputs[0]!.tensor;
  const evaluator = await createFloatEvaluator(float, { activations: [id] });
  const wanted = (await evaluator.run(data.batch(0, count), count)).get(id)!;
  await evaluator.release();
  const port = graph.inputs[0]!;
  const exact = await createExactEvaluator(graph);
  const x = new Map([[port.tensor, inputQuantizer(graph, port)(data.batch(0, count), count)]]);
  const got = (await exact.run(x, count)).get(graph.outputs[0]!.tensor)!;
  await exact.release();
  const { scale, zeroPoint } = graph.tensors.get(graph.outputs[0]!.tensor)!.quant!;
  let [signal, error] = [0, 0];
  wanted.forEach((v, i) => {
    signal += v ** 2;
    error += (v - scale[0]! * (got[i]! - zeroPoint)) ** 2;
  });
  return 10 * Math.log10(signal / error);
}

describe('reconstructNetwork', () => {
  const accumulators: readonly (readonly [string, Partial<QuantizeOptions>])[] = [
    ['12 bits, scalar', { accBits: 12, lanes: 1, bits: 4 }],
    ['10 bits, 8 lanes', { accBits: 10, lanes: 8, bits: 5, segments: 1 }],
    [
      '10 bits, flushed as full-width weights need',
      { accBits: 10, lanes: 8, bits: 5, segments: 'flush', weightBits: 4 },
    ],
  ];

  it.each(accumulators)('is nearer to the float network than rounding: %s', async (_, options) => {
    const float = residual();
    const rounded = await outputQuality(float, { ...options, techniques: parseTechniques('bias') });
    const fitted = await outputQuality(float, { ...options, techniques: defaultTechniques });
    expect(fitted).toBeGreaterThan(rounded + 0.4);
  });

  it('gains by error feedback, and more by descent from there', async () => {
    const float = residual();
    const quality = (list: string) =>
      outputQuality(float, { accBits: 11, lanes: 1, bits: 4, techniques: parseTechniques(list) });
    const rounded = await quality('bias');
    expect(await quality('bias,feedback,whole-error')).toBeGreaterThan(rounded + 0.3);
    expect(await quality('bias,feedback,descent,whole-error')).toBeGreaterThan(rounded + 0.5);
  });

  it('keeps powers of two where the requantization only shifts', async () => {
    const float = residual();
    const options = { accBits: 12, lanes: 1, requant: 'shift', techniques: defaultTechniques } as const;
    const { graph } = await quantize(float, images(float, 24, 5), options);
    for (const t of graph.tensors.values()) {
      for (const s of t.quant?.scale ?? []) expect(Math.log2(s)).toBe(Math.round(Math.log2(s)));
    }
  });

  it('takes one of everything: groups, depthwise layers, several readers; the same bytes every time', async () => {
    const float = mixedNetwork();
    const run = async () =>
      (await quantize(float, images(float, 16, 5), { accBits: 13, techniques: parseTechniques('all') })).graph;
    const graph = await run();
    checkQuantized(graph);
    expect(certify(graph).size).toBe(7);
    expect(await run()).toEqual(graph);
  });

  it('leaves biases alone where they are not to be corrected', async () => {
    const float = residual();
    const options = { accBits: 12, lanes: 1, techniques: parseTechniques('descent,whole-error') } as const;
    const { graph } = await quantize(float, images(float, 24, 5), options);
    const layer = graph.nodes[0]!;
    const [x, w, b] = layer.inputs.map((id) => graph.tensors.get(id)!);
    const real = float.tensors.get(float.nodes[0]!.inputs[2]!)!.data!;
    real.forEach((v, o) => {
      expect(b!.data![o]).toBe(Math.round(v / (x!.quant!.scale[0]! * w!.quant!.scale[o]!)));
    });
  });
});
