import { expect } from 'vitest';
import { must } from '../../src/core/must.ts';
import type { Graph, TensorId } from '../../src/graph/types.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { randomInputs } from '../helpers/quantized-graph.ts';

/** Samples of all inputs, one after the other. */
export function randomBatch(graph: Graph, count: number, seed: number): Map<TensorId, Int8Array> {
  const samples = Array.from({ length: count }, (_, i) => randomInputs(graph, seed + i));
  return new Map(graph.inputs.map((p, i) => [p.tensor, Int8Array.from(samples.flatMap((s) => [...s[i]!]))]));
}

/**
 * Asserts that the exact evaluator gives the reference's bytes for every activation of every sample.
 * @returns the reference's values of the first output, all samples
 */
export async function expectExact(
  graph: Graph,
  inputs: ReadonlyMap<TensorId, Int8Array>,
  count: number,
  batch = 2,
): Promise<Int8Array> {
  const evaluator = await createExactEvaluator(graph, { activations: 'all', threads: 1, batch });
  try {
    const actual = await evaluator.run(inputs, count);
    const outputs: number[] = [];
    for (let i = 0; i < count; i++) {
      const sample = (values: Int8Array) =>
        values.slice((i * values.length) / count, ((i + 1) * values.length) / count);
      const expected = runReference(graph, new Map([...inputs].map(([id, values]) => [id, sample(values)])));
      for (const [id, values] of expected) {
        expect(sample(must(actual.get(id), id)), `${graph.name}: ${id} of sample ${i}`).toEqual(values);
      }
      outputs.push(...must(expected.get(graph.outputs[0]!.tensor), 'output'));
    }
    return Int8Array.from(outputs);
  } finally {
    await evaluator.release();
  }
}
