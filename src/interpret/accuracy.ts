import { failed } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { batches, type Dataset, requireLabels } from '../data/dataset.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Port } from '../graph/types.ts';
import { type InferenceSession, Tensor as OrtTensor } from '../onnx/runtime.ts';
import { createSession } from '../onnx/session.ts';
import { createExactEvaluator } from './exact.ts';
import { inputQuantizer } from './quantize-input.ts';
import type { RunnerOptions } from './runner.ts';

export interface Accuracy {
  readonly samples: number;
  /** Samples whose largest output is that of their label; the first of equal ones counts. */
  readonly correct: number;
  /** `correct / samples` */
  readonly top1: number;
  /** Preprocessing included. */
  readonly imagesPerSecond: number;
}

export interface AccuracyOptions extends RunnerOptions {
  /** Only the first so many samples. */
  readonly samples?: number;
  /** Samples that count as wrong whatever the network says. */
  readonly wrong?: ReadonlySet<number>;
  readonly progress?: Progress;
}

/** Samples that are preprocessed at once. */
const chunk = 64;

/**
 * Top-1 accuracy of a quantized graph, computed exactly.
 * @throws reject `data-without-labels`
 */
export async function quantizedAccuracy(graph: Graph, data: Dataset, options: AccuracyOptions = {}): Promise<Accuracy> {
  const output = must(graph.outputs[0], 'output').tensor;
  const quantizers = graph.inputs.map((port) => [port.tensor, inputQuantizer(graph, port)] as const);
  const evaluator = await createExactEvaluator(graph, { ...options, activations: [output] });
  try {
    return await countCorrect('evaluate quantized', data, options, async (reals, count) => {
      const inputs = quantizers.map(([id, quantize], i) => [id, quantize(must(reals[i], id), count)] as const);
      const outputs = await evaluator.run(new Map(inputs), count);
      return must(outputs.get(output), 'output');
    });
  } finally {
    await evaluator.release();
  }
}

/**
 * Top-1 accuracy of an ONNX file as it is, straight through ONNX Runtime.
 * @param file the file's path, or its bytes where it has no external data
 * @param graph what was imported from it: its ports name the input and the output
 * @param options `title`: what progress calls it
 * @throws reject `data-without-labels`; failed `onnxruntime` where ONNX Runtime can't run the model
 */
export async function floatAccuracy(
  file: Uint8Array | string,
  graph: Pick<Graph, 'inputs' | 'outputs'>,
  data: Dataset,
  options: AccuracyOptions & { readonly title?: string } = {},
): Promise<Accuracy> {
  requireLabels(data);
  const session = await createSession(file, options).catch(cannotRun);
  try {
    const meta = session.inputMetadata[0];
    const open = meta?.isTensor === true && typeof meta.shape[0] === 'string';
    const model: FloatModel = {
      session,
      inputs: graph.inputs,
      output: must(graph.outputs[0], 'output'),
      batch: open ? (options.batch ?? 8) : 1,
    };
    return await countCorrect(options.title ?? 'evaluate float', data, options, (reals, count) =>
      runAll(model, reals, count).catch(cannotRun),
    );
  } finally {
    await session.release();
  }
}

interface FloatModel {
  readonly session: InferenceSession;
  readonly inputs: readonly Pick<Port, 'name' | 'shape'>[];
  readonly output: Pick<Port, 'name' | 'shape'>;
  batch: number;
}

function cannotRun(cause: unknown): never {
  const details = [cause instanceof Error ? cause.message : String(cause)];
  throw failed({ code: 'onnxruntime', message: 'ONNX Runtime cannot run the model.', details }, cause);
}

type Outputs = { readonly length: number; [i: number]: number };

async function countCorrect(
  label: string,
  data: Dataset,
  options: AccuracyOptions,
  run: (reals: readonly Float32Array[], count: number) => Promise<Outputs>,
): Promise<Accuracy> {
  const labels = requireLabels(data);
  const samples = Math.min(data.count, options.samples ?? data.count);
  const progress = options.progress ?? silentProgress;
  progress.start(label, samples);
  const start = performance.now();
  let correct = 0;
  for (let from = 0; from < samples; from += chunk) {
    const to = Math.min(samples, from + chunk);
    const outputs = await run(batches(data, from, to), to - from);
    const size = outputs.length / (to - from);
    for (let i = from; i < to; i++) {
      if (argmax(outputs, (i - from) * size, size) === labels[i] && options.wrong?.has(i) !== true) correct++;
    }
    progress.tick(to - from);
  }
  const seconds = (performance.now() - start) / 1000;
  progress.done();
  return { samples, correct, top1: correct / samples, imagesPerSecond: samples / seconds };
}

/** Index of the largest of `size` values from `at` on; the first of equal ones. */
export function argmax(values: Outputs, at: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) if (values[at + i]! > values[at + best]!) best = i;
  return best;
}

/**
 * Runs `count` samples in batches. A model whose batch is fixed, or that only claims to take any (its Reshapes say
 * otherwise), runs sample by sample.
 */
async function runAll(model: FloatModel, reals: readonly Float32Array[], count: number): Promise<Float32Array> {
  const outputSize = sizeOf(model.output.shape);
  const all = new Float32Array(count * outputSize);
  for (let from = 0; from < count; ) {
    const to = Math.min(count, from + model.batch);
    const feeds = model.inputs.map(({ name, shape }, i) => {
      const real = must(reals[i], name);
      const size = real.length / count;
      const values = real.subarray(from * size, to * size);
      return [name, new OrtTensor('float32', values, [to - from, ...shape.slice(1)])] as const;
    });
    try {
      const results = await model.session.run(Object.fromEntries(feeds), [model.output.name]);
      all.set(must(results[model.output.name], 'output').data as Float32Array, from * outputSize);
      from = to;
    } catch (error) {
      if (model.batch === 1) throw error;
      model.batch = 1;
    }
  }
  return all;
}
