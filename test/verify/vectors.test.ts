import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../src/graph/build.ts';
import type { Graph } from '../../src/graph/types.ts';
import { describeCoverage } from '../../src/verify/coverage.ts';
import { goldenInputs, goldenVectors } from '../../src/verify/golden.ts';
import { patternsOf } from '../../src/verify/patterns.ts';
import { stepsFingerprint, testSteps } from '../../src/verify/steps.ts';
import { encodeVectors } from '../../src/verify/vector-file.ts';
import { makeVectors, planVectors, vectorCount } from '../../src/verify/vectors.ts';
import { fakePlan } from './fake-plan.ts';
import { convolutionGraph } from './graphs.ts';

/** y = a + b, both of few values. */
function addGraph(size: number): Graph {
  const b = new GraphBuilder('add');
  const quant = { scale: [1], zeroPoint: 0, qmin: -2, qmax: 3 };
  const shape = [1, size];
  for (const id of ['a', 'b', 'y']) b.addTensor({ id, shape, dtype: 'int8', quant });
  b.addNode({ kind: 'add' }, ['a', 'b'], ['y'], { name: 'add', opType: 'Add' });
  for (const id of ['a', 'b']) b.inputs.push({ name: id, tensor: id, shape, views: [] });
  b.outputs.push({ name: 'y', tensor: 'y', shape, views: [] });
  return b.build();
}

const convolution = (mode: 'proven' | 'calibrated' = 'proven'): Graph => {
  const graph = convolutionGraph({
    input: [6, 6, 4],
    channels: 20,
    kernel: [3, 3],
    accumulator: { bits: 16, lanes: 8, step: 16, runLength: 12, segments: [1, 2, 3] },
    range: [-8, 7],
  });
  const nodes = graph.nodes.map((node) =>
    node.op.kind === 'conv2d' ? { ...node, op: { ...node.op, integer: { ...node.op.integer!, mode } } } : node,
  );
  return { ...graph, nodes };
};

const sample = (graph: Graph, value: number): Int8Array[] =>
  graph.inputs.map(({ shape }) => new Int8Array(shape.reduce((a, b) => a * b)).fill(value));

describe('the patterns of a step', () => {
  test('try every pair of values of an addition', () => {
    const graph = addGraph(9);
    const step = testSteps(graph, fakePlan(graph)).find((s) => s.node !== undefined)!;
    const { patterns, inputs } = patternsOf(graph, step, 1);
    expect(patterns.filter((p) => p.kind === 'ramp')).toHaveLength(4); // 36 pairs, 9 at a time
    const pairs = new Set<string>();
    for (const pattern of patterns.filter((p) => p.kind === 'ramp')) {
      const [a, b] = inputs(pattern) as [Int8Array, Int8Array];
      a.forEach((v, i) => {
        pairs.add(`${v} ${b[i]}`);
      });
    }
    expect(pairs.size).toBe(36);
  });

  test('stay in the range of the input, and reach its ends', () => {
    const graph = addGraph(50);
    const step = testSteps(graph, fakePlan(graph)).find((s) => s.node !== undefined)!;
    const { patterns, inputs } = patternsOf(graph, step, 1);
    for (const pattern of patterns) {
      for (const values of inputs(pattern)) {
        expect(Math.min(...values)).toBe(pattern.kind === 'highest' ? 3 : -2);
        expect(Math.max(...values)).toBe(pattern.kind === 'lowest' ? -2 : 3);
      }
    }
  });

  test('leave out a layer that is only calibrated, and say so', () => {
    const graph = convolution('calibrated');
    const steps = testSteps(graph, fakePlan(graph));
    const plan = planVectors(graph, steps, { samples: [sample(graph, 1)], seed: 1, budget: 1e9 });
    expect(vectorCount(plan)).toBe(1);
    expect(describeCoverage(plan.coverage)).toEqual([
      'layer "layer": only calibrated: inputs that attain the bounds may overflow',
    ]);
  });
});

describe('the plan of vectors', () => {
  const graph = convolution();
  const steps = testSteps(graph, fakePlan(graph));
  const samples = Array.from({ length: 40 }, (_, i) => sample(graph, i % 8));
  const macs = 4 * 4 * 20 * 36;

  test('takes everything that a large budget allows', () => {
    const plan = planVectors(graph, steps, { samples, seed: 1, budget: 1e9 });
    expect([plan.samples.length, plan.random]).toEqual([32, 8]);
    const layer = plan.coverage.find((c) => c.layer === 'layer')!;
    // 40 bounds, four windows an input; and highest, lowest, random.
    expect(layer).toEqual({ layer: 'layer', vectors: 13, of: 13, bounds: { attained: 40, of: 40 } });
    expect(describeCoverage(plan.coverage)).toEqual([]);
  });

  test('keeps to the budget, and says what it leaves out', () => {
    const budget = 14 * macs;
    const plan = planVectors(graph, steps, { samples, seed: 1, budget });
    expect(plan.cost).toBeLessThanOrEqual(budget);
    expect(plan.samples.length).toBeGreaterThan(1);
    const layer = plan.coverage.find((c) => c.layer === 'layer')!;
    expect(layer.vectors).toBeLessThan(13);
    expect(describeCoverage(plan.coverage)[0]).toMatch(
      /^\d of 13 vectors .* fit the budget \(1 layers are capped\); \d+ of 40/,
    );
  });

  test('takes a sample, a random input and one vector of each layer whatever they cost', () => {
    const plan = planVectors(graph, steps, { samples, seed: 1, budget: 1 });
    expect([plan.samples.length, plan.random]).toEqual([1, 1]);
    expect(plan.coverage.filter((c) => c.vectors > 0).map((c) => c.layer)).toEqual(['layer']);
    expect(vectorCount(plan)).toBe(3);
  });

  test('gives the same file for the same seed, another for another', () => {
    const file = (seed: number): Uint8Array => {
      const plan = planVectors(graph, steps, { samples, seed, budget: 40 * macs });
      return encodeVectors(
        stepsFingerprint(steps),
        Array.from(makeVectors(graph, steps, plan), (v) => v.record),
      );
    };
    expect(file(1)).toEqual(file(1));
    expect(file(2)).not.toEqual(file(1));
  });
});

describe('golden vectors', () => {
  const graph = convolution();
  const steps = testSteps(graph, fakePlan(graph));
  const samples = Array.from({ length: 6 }, (_, i) => sample(graph, i));
  const file = goldenVectors(graph, steps, samples);

  test('keep the first samples', () => {
    expect(goldenInputs(graph, steps, file)).toEqual(samples.slice(0, 4));
    expect(file.length).toBeLessThan(4000);
  });

  test('are random inputs where there are no samples', () => {
    const inputs = goldenInputs(graph, steps, goldenVectors(graph, steps, []))!.map(([x]) => x!);
    expect(inputs).toHaveLength(2);
    expect(inputs[0]).not.toEqual(inputs[1]);
    expect(inputs[0]!.every((v) => v >= -8 && v <= 7)).toBe(true);
  });

  test('are not taken from a damaged file, nor from one of other steps', () => {
    expect(goldenInputs(graph, steps, file.with(40, file[40]! ^ 1))).toBeUndefined();
    expect(goldenInputs(graph, steps, file.subarray(0, 30))).toBeUndefined();
    expect(goldenInputs(graph, steps.slice(1), file)).toBeUndefined();
  });
});
