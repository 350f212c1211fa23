import { must } from '../core/must.ts';
import type { Graph } from '../graph/types.ts';
import { runNode, runReference } from '../interpret/reference.ts';
import { spread } from './budget.ts';
import { coverageOf, type StepCoverage } from './coverage.ts';
import { isCalibrated, type Pattern, patternsOf, quantOf, randomValues, type StepPatterns } from './patterns.ts';
import { activationSize, outputBytes, type TestStep } from './steps.ts';
import type { NetworkRecord, StepRecord, VectorRecord } from './vector-file.ts';

/** Input of the whole network: int8 values of each input in graph order; dense, channels last. */
export type Sample = readonly Int8Array[];

export interface VectorOptions {
  /** Real samples, the first ones are taken. */
  readonly samples: readonly Sample[];
  readonly seed: number;
  /** Multiply-accumulates that one run of all vectors may cost. */
  readonly budget: number;
}

/** All vectors of a network, not yet computed. */
export interface VectorPlan {
  readonly samples: readonly Sample[];
  readonly random: number;
  readonly seed: number;
  /** For each step its patterns, those that fit the budget. */
  readonly steps: readonly { readonly patterns: readonly Pattern[]; readonly inputs: StepPatterns['inputs'] }[];
  readonly coverage: readonly StepCoverage[];
  /** Multiply-accumulates of all vectors. */
  readonly cost: number;
}

/** Part of the budget that whole-network vectors may take; the rest is for the layers. */
const networkShare = 0.5;
const mostSamples = 32;
const mostRandom = 8;

/**
 * Chooses the vectors: real samples, random inputs, and for each step by itself the patterns of `patternsOf`. The
 * same choice for the same input on every machine. At least one real sample (where there is any), one random input and one
 * vector of each step are taken, whatever they cost.
 */
export function planVectors(graph: Graph, steps: readonly TestStep[], options: VectorOptions): VectorPlan {
  const cost = steps.reduce((sum, step) => sum + step.cost, 0);
  const affordable = Math.floor((networkShare * options.budget) / Math.max(1, cost));
  const calibrated = steps.some(isCalibrated);
  const random = calibrated ? 0 : Math.min(mostRandom, Math.max(1, Math.floor(affordable / 4)));
  const samples = options.samples.slice(0, Math.min(mostSamples, Math.max(1, affordable - random)));
  const networkCost = cost * (random + samples.length);
  const all = steps.map((step) => patternsOf(graph, step, options.seed));
  const queues = all.map(({ patterns }, i) => ({ length: patterns.length, cost: steps[i]!.cost }));
  const taken = spread(queues, options.budget - networkCost);
  return {
    samples,
    random,
    seed: options.seed,
    steps: all.map(({ patterns, inputs }, i) => ({ patterns: patterns.slice(0, taken[i]), inputs })),
    coverage: steps.flatMap((step, i) => (step.node === undefined ? [] : [coverageOf(step, all[i]!, taken[i]!)])),
    cost: networkCost + taken.reduce((sum, n, i) => sum + n * steps[i]!.cost, 0),
  };
}

/** A vector with its expected bytes. */
export interface TestVector {
  /** For people: `sample 3`, `layer "conv1", extreme 0`. */
  readonly what: string;
  readonly record: VectorRecord;
}

export function vectorCount(plan: VectorPlan): number {
  return plan.samples.length + plan.random + plan.steps.reduce((sum, s) => sum + s.patterns.length, 0);
}

/** Computes the vectors one after the other, the reference's bytes with them: seconds for a large network. */
export function* makeVectors(graph: Graph, steps: readonly TestStep[], plan: VectorPlan): Generator<TestVector> {
  for (const [i, sample] of plan.samples.entries()) {
    yield { what: `sample ${i}`, record: networkRecord(graph, steps, sample) };
  }
  for (let i = 0; i < plan.random; i++) {
    yield { what: `random input ${i}`, record: networkRecord(graph, steps, randomSample(graph, plan.seed, i)) };
  }
  for (const [i, { patterns, inputs }] of plan.steps.entries()) {
    const step = steps[i]!;
    for (const pattern of patterns) {
      const what = `layer "${step.name}", ${pattern.kind} ${pattern.index}`;
      yield { what, record: stepRecord(graph, step, inputs(pattern)) };
    }
  }
}

/** Uniform in the range of each input; sample `index` of a seed is the same whatever others are taken. */
export function randomSample(graph: Graph, seed: number, index: number): Sample {
  return graph.inputs.map(({ tensor }, input) =>
    randomValues(activationSize(graph, tensor), quantOf(graph, tensor), seed, 2 ** 20 + 1000 * index + input),
  );
}

/** Vectors of the whole network, with the bytes of all steps; `checksums` keeps their CRC-32 only. */
export function networkRecord(
  graph: Graph,
  steps: readonly TestStep[],
  inputs: Sample,
  kind: NetworkRecord['kind'] = 'network',
): NetworkRecord {
  const activations = runReference(
    graph,
    new Map(graph.inputs.map(({ tensor }, i) => [tensor, must(inputs[i], 'input')])),
  );
  return {
    kind,
    inputs,
    steps: steps.map((step) => outputBytes(graph, step, activations)),
    outputs: graph.outputs.map((port) => must(activations.get(port.tensor), `output ${port.name}`)),
  };
}

function stepRecord(graph: Graph, step: TestStep, inputs: readonly Int8Array[]): StepRecord {
  const activations = new Map(step.inputs.map(({ tensor }, i) => [tensor, inputs[i]!]));
  const output = runNode(graph, must(step.node, 'node'), activations);
  return { kind: 'step', step: step.index, inputs, output };
}
