import { createRandom } from '../../src/core/random.ts';
import { GraphBuilder, tensorOf, withTensors } from '../../src/graph/build.ts';
import type { Graph, IntegerReduction, QuantParams } from '../../src/graph/types.ts';
import { stepCount } from '../../src/ops/definition.ts';
import type { Sample } from '../../src/verify/vectors.ts';

const size = 6;

/** Two 3×3 convolutions, `conv1` and `conv2`, with proven 16-bit accumulators in one segment each, and a table, `tanh`. */
export function smallNetwork(): Graph {
  const b = new GraphBuilder('small');
  activation(b, 'x', 3, 0.02, -7);
  activation(b, 'c1', 16, 0.5, 0);
  activation(b, 'c2', 8, 1, -20);
  activation(b, 'y', 8, 1 / 128, 0);
  convolution(b, 'conv1', ['x', 3], ['c1', 16], 30);
  convolution(b, 'conv2', ['c1', 16], ['c2', 8], 14);
  b.addNode({ kind: 'unary', fn: { name: 'tanh' } }, ['c2'], ['y'], { name: 'tanh', opType: 'Tanh' });
  b.inputs.push({ name: 'x', tensor: 'x', shape: [1, size, size, 3], views: [] });
  b.outputs.push({ name: 'y', tensor: 'y', shape: [1, size, size, 8], views: [] });
  return b.build();
}

/** The same with the weights of `conv2` three times as large: far beyond what its accumulators hold. */
export function overflowingNetwork(): Graph {
  const graph = smallNetwork();
  const id = graph.nodes[1]!.inputs[1]!;
  const weights = tensorOf(graph, id);
  return withTensors(graph, [{ ...weights, data: Int8Array.from(weights.data!, (w) => 3 * w) }]);
}

export const smallSamples: readonly Sample[] = Array.from({ length: 3 }, (_, i) => {
  const random = createRandom(9, i);
  return [Int8Array.from({ length: size * size * 3 }, () => random.int(-128, 127))];
});

function activation(b: GraphBuilder, id: string, channels: number, scale: number, zeroPoint: number): void {
  const quant: QuantParams = { scale: [Math.fround(scale)], zeroPoint, qmin: -128, qmax: 127 };
  b.addTensor({ id, shape: [1, size, size, channels], dtype: 'int8', quant });
}

function convolution(
  b: GraphBuilder,
  name: string,
  [x, channelsIn]: readonly [string, number],
  [y, channels]: readonly [string, number],
  largest: number,
): void {
  const random = createRandom(channels);
  const weights = Int8Array.from({ length: channels * 9 * channelsIn }, () => random.int(-largest, largest));
  const scale = Array.from({ length: channels }, (_, o) => Math.fround(0.01 + 0.001 * o));
  const w = b.constant(`${name}.w`, [channels, 3, 3, channelsIn], weights, {
    quant: { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 },
  });
  const bias = b.constant(
    `${name}.b`,
    [channels],
    Int32Array.from({ length: channels }, () => random.int(-900, 900)),
  );
  const model = { bits: 16, lanes: 8, step: 16, runLength: 3 * channelsIn };
  const accumulator = { ...model, segments: [stepCount(model, 9 * channelsIn)] };
  const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
  const op = { kind: 'conv2d', strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1, integer } as const;
  b.addNode(op, [x, w, bias], [y], { name, opType: 'Conv' });
}
