import { describe, expect, test } from 'vitest';
import { createRandom, type Random } from '../../src/core/random.ts';
import { tensorOf } from '../../src/graph/build.ts';
import type { AccumulatorModel, Conv2dOp, Node } from '../../src/graph/types.ts';
import { adversaryOf, type Bound } from '../../src/verify/adversarial.ts';
import { patternsOf } from '../../src/verify/patterns.ts';
import { testSteps } from '../../src/verify/steps.ts';
import { convolutionSums, lanes8 } from './convolution-sums.ts';
import { fakePlan } from './fake-plan.ts';
import { type ConvolutionCase, convolutionGraph, limitedGraph } from './graphs.ts';

interface LimitedCase extends ConvolutionCase {
  readonly pixelSum: number;
}

/** The largest Σ gain · u with 0 ≤ u ≤ steps and Σ u ≤ sum, step by step and for each sum. */
function largest(gains: readonly number[], steps: number, sum: number): number {
  let best = new Array<number>(sum + 1).fill(0);
  for (const gain of gains) {
    best = best.map((_, room) =>
      Math.max(...Array.from({ length: Math.min(steps, room) + 1 }, (_unused, u) => best[room - u]! + gain * u)),
    );
  }
  return best[sum]!;
}

/** The bound of a channel's sum: taps are its runs of products of `perTap`. */
function boundOf(c: LimitedCase, weights: Int8Array, bound: Bound): number {
  const [low, high] = c.range!;
  const sign = bound === 'hi' ? 1 : -1;
  const perTap = c.input[2] / (c.groups ?? 1);
  let total = 0;
  for (let tap = 0; tap < weights.length; tap += perTap) {
    const own = Array.from(weights.subarray(tap, tap + perTap), (w) => sign * w);
    total += sign * (low * own.reduce((s, w) => s + w, 0) + largest(own, high - low, c.pixelSum));
  }
  return total;
}

function largestPixel(c: LimitedCase, values: Int8Array): number {
  const channels = c.input[2];
  let most = 0;
  for (let from = 0; from < values.length; from += channels) {
    most = Math.max(
      most,
      values.subarray(from, from + channels).reduce((s, v) => s + v - c.range![0], 0),
    );
  }
  return most;
}

/** Every input keeps the limit; together they attain the bounds of every channel's sum. */
function check(c: LimitedCase, seed: number): void {
  const graph = limitedGraph(convolutionGraph(c, seed), c.pixelSum);
  const node = graph.nodes.find((n) => n.op.kind === 'conv2d') as Node<Conv2dOp>;
  const data = tensorOf(graph, node.inputs[1]!).data as Int8Array;
  const length = data.length / c.channels;
  const adversary = adversaryOf(graph, node, seed);
  const pairs = new Set<string>();
  for (let i = 0; i < adversary.inputCount; i++) {
    const { values, extremes } = adversary.input(i);
    expect(largestPixel(c, values)).toBeLessThanOrEqual(c.pixelSum);
    expect(values.every((v) => v >= c.range![0] && v <= c.range![1])).toBe(true);
    for (const extreme of extremes) {
      const { channel, bound } = extreme;
      pairs.add(`${channel} ${bound}`);
      const sum = convolutionSums(graph, node, values, extreme).reduce((a, b) => a + b);
      expect(sum).toBe(boundOf(c, data.subarray(channel * length, (channel + 1) * length), bound));
    }
    expect(pairs.size).toBe(adversary.coverage(i + 1));
  }
  const isSingle = c.accumulator.segments.length * c.accumulator.lanes === 1;
  expect([adversary.attained, adversary.note === undefined]).toEqual([isSingle, isSingle]);
  expect(pairs.size).toBe(2 * c.channels);
}

/** In one accumulator, in several that begin anywhere, or in lanes. */
function randomModel(random: Random, length: number, runLength: number): AccumulatorModel {
  if (random.int(0, 2) === 0) return lanes8(runLength, length, random.int(1, 3));
  const ends = Array.from({ length: random.int(0, 4) }, () => random.int(1, length - 1));
  const segments = [...new Set([...(length > 1 ? ends : []), length])].sort((a, b) => a - b);
  return { bits: 16, lanes: 1, step: 1, runLength, segments };
}

function randomCase(random: Random): LimitedCase {
  const groups = random.int(0, 3) === 0 ? 2 : 1;
  const perGroup = random.int(2, 10);
  const kernel = [random.int(1, 3), random.int(1, 3)] as const;
  const low = random.int(-8, 3);
  return {
    input: [random.int(5, 9), random.int(5, 9), perGroup * groups],
    channels: groups * random.int(1, 3),
    kernel,
    strides: [random.int(1, 2), random.int(1, 2)],
    pads: [random.int(0, 1), random.int(0, 1), random.int(0, 1), random.int(0, 1)],
    groups,
    range: [low, low + random.int(1, 14)],
    accumulator: randomModel(random, kernel[0] * kernel[1] * perGroup, groups === 1 ? kernel[1] * perGroup : perGroup),
    pixelSum: random.int(1, 40),
  };
}

describe('where what a pixel’s channels add up to is limited', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i))('random layer %s', (i) => {
    check(randomCase(createRandom(31, i)), i);
  });

  const small = { input: [4, 3, 12], channels: 5, kernel: [1, 1], range: [0, 7], pixelSum: 17 } as const;
  const whole = { bits: 16, lanes: 1, step: 1, runLength: 12, segments: [12] };

  test('1×1 in one accumulator, of whose pixels all are written', () => {
    check({ ...small, accumulator: whole }, 2);
    const graph = limitedGraph(convolutionGraph({ ...small, accumulator: whole }), small.pixelSum);
    const adversary = adversaryOf(graph, graph.nodes[1] as Node<Conv2dOp>, 7);
    expect(adversary.pairs).toBe(10);
    expect(adversary.inputCount).toBe(1);
  });

  test('the other patterns of a step keep it', () => {
    const c: LimitedCase = { ...small, accumulator: whole };
    const graph = limitedGraph(convolutionGraph(c), c.pixelSum);
    const step = testSteps(graph, fakePlan(graph)).find((s) => s.node?.op.kind === 'conv2d')!;
    const { patterns, inputs } = patternsOf(graph, step, 1);
    expect(new Set(patterns.map((p) => p.kind))).toEqual(new Set(['extreme', 'highest', 'lowest', 'random']));
    for (const pattern of patterns) {
      expect(largestPixel(c, inputs(pattern)[0]!)).toBeLessThanOrEqual(c.pixelSum);
      if (pattern.kind === 'highest') expect(largestPixel(c, inputs(pattern)[0]!)).toBe(c.pixelSum);
    }
  });
});
