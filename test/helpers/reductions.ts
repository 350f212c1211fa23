import { createRandom } from '../../src/core/random.ts';
import type {
  AccumulatorModel,
  Clamp,
  Graph,
  IntegerReduction,
  Pads,
  Pair,
  QuantParams,
} from '../../src/graph/types.ts';
import { laneModel, walkOf } from '../../src/kernels/k-lanes/walk.ts';
import type { RequantFormat } from '../../src/numeric/requantize.ts';
import { stepCount } from '../../src/ops/definition.ts';
import { windowBudget } from '../../src/proof/accumulator.ts';
import { greedySegments } from '../../src/proof/segments.ts';
import { QuantizedGraphBuilder, quant } from './quantized-graph.ts';

/** 4 bits, never negative. */
export const nibbles: QuantParams = { scale: [0.25], zeroPoint: -8, qmin: -8, qmax: 7 };

/** A convolution to be tested; a pad of 1 at most where the kernel is 3. */
export interface ConvCase {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel?: Pair;
  readonly strides?: Pair;
  readonly pads?: Pads;
  readonly dilations?: Pair;
  readonly groups?: number;
  /** Weights are drawn from [−largest, largest]. */
  readonly largest?: number;
  /** Weight k of every channel, instead. */
  readonly weights?: (k: number) => number;
  readonly x?: QuantParams;
  readonly clamp?: Clamp;
  readonly requant?: RequantFormat;
  /** Real biases, of which the integers leave half a step at most; with `float32`. */
  readonly realBias?: true;
  /** Biases are drawn from [−bias, bias]; 2000 where absent. */
  readonly bias?: number;
  /** A channel's products in one accumulator, flushed between rows of the kernel. */
  readonly inRows?: true;
  /** In 16 lanes of 8 bits. */
  readonly inBytes?: true;
}

/** A graph of one convolution with random weights, flushed where they need it. */
export function convGraph(name: string, c: ConvCase, seed = 3): Graph {
  const {
    kernel = [1, 1],
    strides = [1, 1],
    pads = [0, 0, 0, 0],
    dilations = [1, 1],
    groups = 1,
    largest = 127,
    bias: most = 2000,
  } = c;
  const perGroup = c.channels / groups;
  const x = c.x ?? quant(0.05, -128);
  const random = createRandom(seed);
  const length = kernel[0] * kernel[1] * perGroup;
  const weights = Int8Array.from(
    { length: c.outputs * length },
    (_, i) => c.weights?.(i % length) ?? random.int(-largest, largest),
  );
  const runLength = groups === 1 && dilations[1] === 1 ? kernel[1] * perGroup : perGroup;
  const walk = walkOf(length, runLength);
  const depthwise = groups === c.channels && groups === c.outputs;
  const scalar = { bits: 16, lanes: 1, runLength };
  const model = depthwise
    ? { ...scalar, step: 1, segments: [length] }
    : c.inRows
      ? { ...scalar, step: runLength, segments: [kernel[0]] }
      : c.inBytes
        ? byteModel(length, runLength)
        : laneModel(walk, [walk.steps]);
  const accumulator = greedySegments(model, weights, c.outputs, windowBudget(model.bits, { lo: x.qmin, hi: x.qmax }));
  const remainders = Array.from({ length: c.outputs }, (_, o) => (((o * 7) % 16) - 7.5) / 16);
  const integer: IntegerReduction = {
    ...{ requant: c.requant ?? 'fixed', accumulator, mode: 'proven' },
    ...(c.realBias && { biasRemainders: remainders }),
  };
  const b = new QuantizedGraphBuilder(name);
  const scale = Array.from({ length: c.outputs }, (_, o) =>
    c.requant === 'shift' ? 2 ** -(6 + (o % 3)) : Math.fround((0.02 + 0.001 * o) / largest),
  );
  const w = b.constant([c.outputs, ...kernel, perGroup], weights, {
    scale,
    zeroPoint: 0,
    qmin: -127,
    qmax: 127,
    axis: 0,
  });
  const bias = b.constant(
    [c.outputs],
    Int32Array.from({ length: c.outputs }, () => random.int(-most, most)),
  );
  const op = { kind: 'conv2d', strides, pads, dilations, groups, integer, ...(c.clamp && { clamp: c.clamp }) } as const;
  const y = c.requant === 'shift' ? quant(2 ** -3, 5) : quant(0.1, 7);
  b.output(b.node(op, [b.input([1, c.height, c.width, c.channels], x), w, bias], y));
  return b.build();
}

/** `vmlaq_s8`, in one segment. */
function byteModel(length: number, runLength: number): AccumulatorModel {
  const shape = { bits: 8, lanes: 16, step: 16, runLength };
  return { ...shape, segments: [stepCount(shape, length)] };
}

interface DenseOptions {
  /** Weights are drawn from [−largest, largest]. */
  readonly largest?: number;
  /** In 16 lanes of 8 bits, of 4-bit data. */
  readonly inBytes?: true;
}

/** A graph of one fully connected layer. */
export function denseGraph(
  name: string,
  rows: number,
  length: number,
  outputs: number,
  { largest = 127, inBytes }: DenseOptions = {},
): Graph {
  const x = inBytes ? nibbles : quant(0.04, 11);
  const random = createRandom(5);
  const weights = Int8Array.from({ length: outputs * length }, () => random.int(-largest, largest));
  const walk = walkOf(length, length);
  const model = inBytes ? byteModel(length, length) : laneModel(walk, [walk.steps]);
  const accumulator = greedySegments(model, weights, outputs, windowBudget(model.bits, { lo: x.qmin, hi: x.qmax }));
  const b = new QuantizedGraphBuilder(name);
  const scale = Array.from({ length: outputs }, (_, o) => Math.fround((0.03 + 0.002 * o) / largest));
  const w = b.constant([outputs, length], weights, { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 });
  const bias = b.constant(
    [outputs],
    Int32Array.from({ length: outputs }, () => random.int(-3000, 3000)),
  );
  const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
  b.output(b.node({ kind: 'fullyConnected', integer }, [b.input([rows, length], x), w, bias], quant(0.2, -4)));
  return b.build();
}
