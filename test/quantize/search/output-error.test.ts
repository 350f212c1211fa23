import { describe, expect, it } from 'vitest';
import { must } from '../../../src/core/must.ts';
import { createRandom } from '../../../src/core/random.ts';
import { sizeOf } from '../../../src/graph/shape.ts';
import type { Clamp, Graph, QuantParams } from '../../../src/graph/types.ts';
import { completeOptions, optionsOfLayer } from '../../../src/quantize/options.ts';
import { createOutputError } from '../../../src/quantize/search/output-error.ts';
import { fitLayer, layerOf } from '../../../src/quantize/weights/layer.ts';
import { Network, relu } from '../networks.ts';

const COUNT = 5;
/** More than are multiplied at a time. */
const CHANNELS = 300;
const coarse: QuantParams = { scale: [0.25], zeroPoint: 0, qmin: -8, qmax: 7 };

/** The same products as a fully connected layer of that many rows, and as a 1×1 convolution of as many pixels. */
function networkOf(kind: 'fullyConnected' | 'conv2d', rows: number, clamp: Clamp | undefined): Graph {
  const n = new Network(kind, 5);
  if (kind === 'fullyConnected') return n.build(n.fullyConnected(n.input([rows, 40]), CHANNELS, clamp));
  return n.build(n.conv(n.input([1, rows, 1, 40]), CHANNELS, 1, clamp && { clamp }));
}

function samples(size: number): Float32Array {
  const random = createRandom(9);
  return Float32Array.from({ length: COUNT * size }, () => random.normal());
}

describe.each(['fullyConnected', 'conv2d'] as const)('the error of the output of %s', (kind) => {
  it.each([
    [1, undefined],
    [3, undefined],
    [3, relu],
  ])('is that of rounded data and weights, added up plainly (%i rows, clamp %j)', async (rows, clamp) => {
    const graph = networkOf(kind, rows, clamp);
    const node = must(graph.nodes[0], 'layer');
    const x = must(graph.inputs[0], 'input').tensor;
    const values = samples(sizeOf(must(graph.tensors.get(x), 'x').shape));
    const layer = layerOf(graph, node, optionsOfLayer(completeOptions({ accBits: 10, lanes: 1 }), node));
    const fitted = must(fitLayer(layer, 1, { x: coarse, grid: 'float32' }), 'weights that fit');
    const error = createOutputError(graph, { count: COUNT, values: new Map([[x, values]]) });
    const got = await error(layer, coarse, fitted);

    const { weights, bias } = layer;
    const { data, scale } = fitted.rounded;
    const sums = (input: ArrayLike<number>, w: (o: number, k: number) => number) =>
      Array.from({ length: COUNT * rows * CHANNELS }, (_, i) => {
        const [row, o] = [Math.floor(i / CHANNELS), i % CHANNELS];
        let sum = bias[o]!;
        for (let k = 0; k < 40; k++) sum += input[row * 40 + k]! * w(o, k);
        return sum;
      });
    const rounded = Float64Array.from(values, (v) => 0.25 * Math.min(7, Math.max(-8, Math.round(v / 0.25))));
    const y = sums(values, (o, k) => weights[o * 40 + k]!);
    const z = sums(rounded, (o, k) => data[o * 40 + k]! * scale[o]!);
    const shift = (o: number) => {
      const own = z.map((v, i) => v - y[i]!).filter((_, i) => i % CHANNELS === o);
      return own.reduce((a, b) => a + b) / own.length;
    };
    const shifts = Array.from({ length: CHANNELS }, (_, o) => shift(o));
    const behind = (v: number) => (clamp === undefined ? v : Math.max(0, v));
    const corrected = z.map((v, i) => behind(v - shifts[i % CHANNELS]!));
    const power = y.reduce((sum, v) => sum + behind(v) ** 2, 0);
    const noise = corrected.reduce((sum, v, i) => sum + (v - behind(y[i]!)) ** 2, 0) / power;
    expect(got.noise / noise).toBeCloseTo(1, 4);
    corrected.forEach((v, i) => {
      expect(got.values[i]).toBeCloseTo(v, 4);
    });
  });
});
