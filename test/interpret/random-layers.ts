import type { Random } from '../../src/core/random.ts';
import type { IntegerReduction, QuantParams, Shape, TensorId } from '../../src/graph/types.ts';
import type { RequantFormat } from '../../src/numeric/requantize.ts';
import { CARRY_BLOCK, MOST_CARRY_SHIFT } from '../../src/ops/carries.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { biasOf } from '../../src/passes/fuse-layer.ts';
import { randomCarries } from '../helpers/carries.ts';
import { narrowGrid, type QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { pick, randomClamp, randomQuant, withClamp } from './random-values.ts';

/** Operators that sum products or windows, or look at neighbours. */

/** Weights and bias of `channels` dot products of `length`; the output's scale lets most sums fall inside its range. */
function randomLayer(b: QuantizedGraphBuilder, r: Random, x: QuantParams, shape: Shape) {
  const requant = pick<RequantFormat>(r, ['fixed', 'fixed', 'shift', 'float32']);
  const channels = shape[0]!;
  const length = shape.slice(1).reduce((p, d) => p * d, 1);
  const data = Int8Array.from({ length: channels * length }, () =>
    pick(r, [r.int(-127, 127), r.int(-9, 9), -127, 127]),
  );
  const power = requant === 'shift';
  const scales = Array.from({ length: channels }, () =>
    power ? 2 ** r.int(-8, -5) : Math.fround(2 ** -9 * (0.5 + r.float())),
  );
  const w = b.constant(shape, data, { scale: scales, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 });
  const limit = Math.round(2000 * Math.sqrt(length));
  const steps = Float32Array.from({ length: channels }, () => r.int(-limit, limit));
  const real = Float32Array.from(steps, (q, o) => (q + r.float()) * x.scale[0]! * scales[o]!);
  const { data: bias, remainders } =
    requant === 'float32' && r.int(0, 1) === 0
      ? biasOf({ id: 'bias', shape: [channels], dtype: 'float32', data: real }, x.scale[0]!, scales)
      : { data: Int32Array.from(steps) };
  const spread = x.scale[0]! * 2 ** -9 * Math.sqrt(length) * 40 * 2 ** r.int(-1, 2);
  const y = randomQuant(r, power ? 2 ** Math.round(Math.log2(spread)) : spread);
  const accumulator = { bits: 32, lanes: 1, step: 1, runLength: length, segments: [length] };
  const integer: IntegerReduction = {
    requant,
    accumulator,
    mode: 'proven',
    ...(remainders && { biasRemainders: remainders }),
  };
  return { w, bias: b.constant([channels], bias), y, integer, power };
}

function layerInput(r: Random): QuantParams {
  const x = randomQuant(r);
  return { ...x, scale: [2 ** r.int(-7, -3)] };
}

export function convolution(b: QuantizedGraphBuilder, r: Random): TensorId {
  const depthwise = r.int(0, 3) === 0;
  const groups = depthwise ? r.int(2, 20) : pick(r, [1, 1, 2, 3]);
  const perGroup = depthwise ? 1 : r.int(1, 9);
  const outputs = groups * r.int(1, 6);
  const kernel = [r.int(1, 4), r.int(1, 4)] as const;
  const dilations = [r.int(1, 2), r.int(1, 2)] as const;
  const pads = [r.int(0, 2), r.int(0, 2), r.int(0, 2), r.int(0, 2)] as const;
  const x = layerInput(r);
  const { w, bias, y, integer } = randomLayer(b, r, x, [outputs, ...kernel, perGroup]);
  const input = b.input([1, r.int(7, 11), r.int(7, 11), groups * perGroup], x);
  const op = { kind: 'conv2d', strides: [r.int(1, 3), r.int(1, 3)], pads, dilations, groups, integer } as const;
  return b.node(withClamp(op, randomClamp(r, y)), [input, w, bias], y);
}

export function dense(b: QuantizedGraphBuilder, r: Random): TensorId {
  const x = layerInput(r);
  const length = r.int(1, 70);
  const { w, bias, y, integer } = randomLayer(b, r, x, [r.int(10, 60), length]);
  const input = b.input([1, length], x);
  return b.node(withClamp({ kind: 'fullyConnected', integer } as const, randomClamp(r, y)), [input, w, bias], y);
}

export function pooling(b: QuantizedGraphBuilder, r: Random, kind: 'maxPool' | 'averagePool'): TensorId {
  const x = randomQuant(r);
  const [height, width] = [r.int(5, 9), r.int(5, 9)];
  const input = b.input([1, height, width, r.int(1, 20)], x);
  const whole = kind === 'averagePool' && r.int(0, 2) === 0;
  const kernel = whole ? ([height, width] as const) : ([r.int(2, 3), r.int(2, 3)] as const);
  const pads = whole ? ([0, 0, 0, 0] as const) : ([r.int(0, 1), r.int(0, 1), r.int(0, 1), r.int(0, 1)] as const);
  const window = { kernel, pads, strides: [r.int(1, 3), r.int(1, 3)] } as const;
  if (kind === 'maxPool') return b.node({ kind, ...window, dilations: [r.int(1, 2), 1] }, [input], x);
  const ceilExtra = whole ? ([0, 0] as const) : ([r.int(0, 1), r.int(0, 1)] as const);
  const sum = whole && r.int(0, 1) === 1 && { sum: true as const };
  const y = randomQuant(r, x.scale[0]! * (0.3 + r.float()) * (sum ? Math.sqrt(height * width) : 1));
  const op = { kind, ...window, countIncludePad: r.int(0, 1) === 1, ceilExtra, ...sum } as const;
  return b.node(withClamp(op, randomClamp(r, y)), [input], y);
}

export function diffusion(b: QuantizedGraphBuilder, r: Random): TensorId {
  const steps = r.int(1, 127);
  const summed = r.int(0, 2) === 0;
  const narrow = { ...narrowGrid(steps, summed ? 0 : r.int(0, steps)), scale: [2 ** r.int(-6, 2)] };
  const carrying = r.int(0, 1) === 1;
  const channels = carrying ? r.int(CARRY_BLOCK + 1, 40) : r.int(1, 20);
  const carries = carrying && { carries: randomCarries(channels, r.int(1, MOST_CARRY_SHIFT), r) };
  const shape = [1, r.int(1, 5), r.int(1, 5), channels];
  const pixelSum = summed && { pixelSum: r.int(1, channels * steps) };
  return b.node({ kind: 'diffuse', ...carries, ...pixelSum }, [b.input(shape, wideGrid(narrow))], narrow);
}
