import { describe, expect, test } from 'vitest';
import { tensorOf } from '../../src/graph/build.ts';
import type { AccumulatorModel, Conv2dOp, Node } from '../../src/graph/types.ts';
import { laneOf, stepOf } from '../../src/ops/definition.ts';
import { sumRanges } from '../../src/proof/accumulator.ts';
import { segmentOf } from '../../src/proof/segments.ts';
import { adversaryOf } from '../../src/verify/adversarial.ts';
import type { ReductionNode } from '../../src/verify/taps.ts';
import { convolutionSums, lanes8 } from './convolution-sums.ts';
import { type ConvolutionCase, convolutionGraph, fullyConnectedGraph } from './graphs.ts';

const scalar = (length: number, runLength = length): AccumulatorModel => ({
  bits: 16,
  lanes: 1,
  step: 1,
  runLength,
  segments: [Math.ceil(length / 2), length],
});

const cases: Readonly<Record<string, ConvolutionCase>> = {
  '3×3 with padding, K in the lanes, three segments': {
    input: [9, 8, 11],
    channels: 7,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
    accumulator: lanes8(33, 99, 3),
  },
  'stride 2, asymmetric padding': {
    input: [10, 9, 5],
    channels: 4,
    kernel: [3, 2],
    strides: [2, 2],
    pads: [0, 0, 1, 1],
    accumulator: lanes8(10, 30, 1),
    range: [-16, 15],
  },
  'dilated, grouped': {
    input: [9, 9, 6],
    channels: 9,
    kernel: [2, 3],
    pads: [1, 2, 0, 1],
    dilations: [2, 3],
    groups: 3,
    accumulator: lanes8(2, 12, 2),
  },
  depthwise: { input: [6, 6, 12], channels: 12, kernel: [3, 3], groups: 12, accumulator: scalar(9) },
  '1×1': { input: [3, 3, 20], channels: 6, kernel: [1, 1], accumulator: lanes8(20, 20, 1) },
  'one long scalar sum': { input: [4, 4, 3], channels: 3, kernel: [4, 4], accumulator: scalar(48) },
};

describe('adversarial inputs attain the bound of every channel, lane and segment', () => {
  test.each(Object.entries(cases))('%s', (_name, c) => {
    const graph = convolutionGraph(c);
    const node = graph.nodes[0] as Node<Conv2dOp>;
    const w = tensorOf(graph, node.inputs[1]!);
    const length = w.data!.length / c.channels;
    const [low, high] = c.range ?? [-128, 127];
    const adversary = adversaryOf(graph, node, 7);
    const seen = new Set<string>();
    for (let i = 0; i < adversary.inputCount; i++) {
      const { values, extremes } = adversary.input(i);
      expect(values.every((v) => v >= low && v <= high)).toBe(true);
      for (const extreme of extremes) {
        const row = (w.data as Int8Array).subarray(extreme.channel * length, (extreme.channel + 1) * length);
        const ranges = sumRanges(c.accumulator, row, { lo: low, hi: high });
        const sums = convolutionSums(graph, node, values, extreme);
        expect(sums).toEqual(ranges.map((r) => r[extreme.bound]));
        seen.add(`${extreme.channel} ${extreme.bound}`);
      }
      expect(seen.size).toBe(adversary.coverage(i + 1));
    }
    expect(adversary.attained).toBe(true);
    expect(seen.size).toBe(2 * c.channels);
    expect(adversary.pairs).toBe(2 * c.channels);
  });

  test('fully connected, two samples', () => {
    const model = lanes8(40, 40, 2);
    const graph = fullyConnectedGraph(2, 40, 5, model);
    const node = graph.nodes[0] as ReductionNode;
    const weights = tensorOf(graph, node.inputs[1]!).data as Int8Array;
    const adversary = adversaryOf(graph, node, 7);
    expect(adversary.inputCount).toBe(5);
    for (let i = 0; i < adversary.inputCount; i++) {
      const { values, extremes } = adversary.input(i);
      expect(extremes).toHaveLength(2);
      for (const { channel, bound, place } of extremes) {
        const row = weights.subarray(channel * 40, (channel + 1) * 40);
        const sums = new Array<number>(model.segments.length * 8).fill(0);
        row.forEach((weight, k) => {
          const at = segmentOf(model, stepOf(model, k)) * 8 + laneOf(model, k);
          sums[at]! += weight * values[place.y * 40 + k]!;
        });
        expect(sums).toEqual(sumRanges(model, row, { lo: -100, hi: 120 }).map((r) => r[bound]));
      }
    }
  });
});

test('no input of a small layer leaves the range that adversarial inputs attain', () => {
  const model = scalar(4, 2);
  const graph = convolutionGraph({ input: [2, 2, 1], channels: 3, kernel: [2, 2], accumulator: model, range: [-2, 1] });
  const node = graph.nodes[0] as Node<Conv2dOp>;
  const adversary = adversaryOf(graph, node, 7);
  const place = { y: 0, x: 0 };
  for (let channel = 0; channel < 3; channel++) {
    const reached = { lo: Infinity, hi: -Infinity };
    for (let code = 0; code < 4 ** 4; code++) {
      const values = Int8Array.from({ length: 4 }, (_, i) => (Math.floor(code / 4 ** i) % 4) - 2);
      const first = convolutionSums(graph, node, values, { channel, bound: 'hi', place })[0]!;
      reached.lo = Math.min(reached.lo, first);
      reached.hi = Math.max(reached.hi, first);
    }
    for (let i = 0; i < adversary.inputCount; i++) {
      const { values, extremes } = adversary.input(i);
      for (const e of extremes.filter((x) => x.channel === channel)) {
        expect(convolutionSums(graph, node, values, e)[0]).toBe(reached[e.bound]);
      }
    }
  }
});

describe('when work is capped', () => {
  test('the channels with the widest sums come first', () => {
    const graph = convolutionGraph({ input: [3, 3, 4], channels: 6, kernel: [3, 3], accumulator: lanes8(12, 36, 9) });
    const node = graph.nodes[0] as Node<Conv2dOp>;
    const data = tensorOf(graph, node.inputs[1]!).data as Int8Array;
    data.subarray(4 * 36, 5 * 36).fill(-128);
    const first = adversaryOf(graph, node, 7).input(0);
    expect(first.extremes).toEqual([{ channel: 4, bound: 'hi', place: { y: 0, x: 0 } }]);
  });

  test('a layer whose every window reaches into the padding is said not to attain its bounds', () => {
    const graph = convolutionGraph({
      input: [2, 5, 2],
      channels: 2,
      kernel: [3, 3],
      pads: [1, 1, 1, 1],
      accumulator: lanes8(6, 18, 3),
    });
    const adversary = adversaryOf(graph, graph.nodes[0] as Node<Conv2dOp>, 7);
    expect(adversary.attained).toBe(false);
    expect(adversary.input(0).extremes[0]!.place).toEqual({ y: 0, x: 1 });
  });
});
