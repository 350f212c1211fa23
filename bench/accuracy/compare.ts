import { must } from '../../src/core/must.ts';
import { batches, type Dataset, requireLabels } from '../../src/data/dataset.ts';
import { logitsOf, tensorOf } from '../../src/graph/build.ts';
import type { Graph, Tensor, TensorId } from '../../src/graph/types.ts';
import { argmax } from '../../src/interpret/accuracy.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { createFloatEvaluator } from '../../src/interpret/float.ts';
import { quantOf } from '../../src/ops/quantized.ts';
import { quantizedInputs } from '../../src/quantize/quantized-inputs.ts';

/** What a classifier says of some samples, real: a row of the classes for each sample. */
export interface Answers {
  readonly outputs: readonly Float32Array[];
  /** The outputs, or what the softmax at the end makes them of. */
  readonly logits: readonly Float32Array[];
}

/** Samples that run at once. */
const CHUNK = 64;

/** The float network's, of the first `images` samples. */
export async function floatAnswers(graph: Graph, data: Dataset, images: number): Promise<Answers> {
  const { ids, collect } = answersOf(graph, images);
  const evaluator = await createFloatEvaluator(graph, { activations: ids });
  try {
    return await collect((from, to) => evaluator.run(batches(data, from, to), to - from));
  } finally {
    await evaluator.release();
  }
}

/** The quantized network's, of the first `images` samples. */
export async function quantizedAnswers(graph: Graph, data: Dataset, images: number): Promise<Answers> {
  const { ids, collect } = answersOf(graph, images);
  const evaluator = await createExactEvaluator(graph, { activations: ids });
  try {
    return await collect(async (from, to) => {
      const samples = Array.from({ length: to - from }, (_, i) => from + i);
      const values = await evaluator.run(quantizedInputs(graph, data, samples), to - from);
      return new Map([...values].map(([id, integers]) => [id, realsOf(tensorOf(graph, id), integers)]));
    });
  } finally {
    await evaluator.release();
  }
}

function realsOf(tensor: Tensor, integers: Int8Array): Float32Array {
  const { step, zeroPoint } = quantOf(tensor);
  return Float32Array.from(integers, (q) => step * (q - zeroPoint));
}

type Run = (from: number, to: number) => Promise<ReadonlyMap<TensorId, Float32Array>>;

function answersOf(graph: Graph, images: number) {
  const output = must(graph.outputs[0], 'output').tensor;
  const logits = logitsOf(graph, output);
  const ids = [...new Set([output, logits])];
  const collect = async (run: Run): Promise<Answers> => {
    const rows = new Map<TensorId, Float32Array[]>(ids.map((id) => [id, []]));
    for (let from = 0; from < images; from += CHUNK) {
      const to = Math.min(images, from + CHUNK);
      for (const [id, values] of await run(from, to)) must(rows.get(id), id).push(...rowsOf(values, to - from));
    }
    return { outputs: must(rows.get(output), output), logits: must(rows.get(logits), logits) };
  };
  return { ids, collect };
}

function rowsOf(values: Float32Array, count: number): Float32Array[] {
  const size = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** The share of samples whose largest output is that of their label; the first of equal ones counts. */
export function top1Of(answers: Answers, data: Dataset): number {
  return rightOnes(answers, data).filter(Boolean).length / answers.outputs.length;
}

/**
 * How far chance moves the difference of two networks' top-1 on the same samples: one standard error. Only samples that one of them has
 * right and the other wrong count (McNemar's test), far fewer than either has wrong.
 */
export function standardErrorOf(float: Answers, quantized: Answers, data: Dataset): number {
  const [a, b] = [rightOnes(float, data), rightOnes(quantized, data)];
  const count = a.length;
  const lost = a.filter((right, i) => right && !b[i]).length;
  const won = b.filter((right, i) => right && !a[i]).length;
  return Math.sqrt(lost + won - (lost - won) ** 2 / count) / count;
}

function rightOnes({ outputs }: Answers, data: Dataset): boolean[] {
  const labels = requireLabels(data);
  return outputs.map((row, i) => argmax(row, 0, row.length) === labels[i]);
}

/**
 * The mean Kullback-Leibler divergence of the quantized network's probabilities from the float network's, in nats. It counts how
 * far all probabilities moved and not only which images changed sides, so far fewer images tell two quantizations apart.
 */
export function divergenceOf(float: Answers, quantized: Answers): number {
  const each = float.logits.map((row, i) => {
    const [p, q] = [logSoftmax(row), logSoftmax(must(quantized.logits[i], 'logits'))];
    return p.reduce((sum, logP, c) => sum + Math.exp(logP) * (logP - q[c]!), 0);
  });
  return each.reduce((sum, d) => sum + d, 0) / each.length;
}

function logSoftmax(row: Float32Array): number[] {
  const largest = Math.max(...row);
  const total = Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0));
  return Array.from(row, (v) => v - largest - total);
}
