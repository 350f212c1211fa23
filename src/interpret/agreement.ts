import { failed } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { batches, type Dataset } from '../data/dataset.ts';
import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Port, TensorId } from '../graph/types.ts';
import type { SourceModel, SourceTensor } from '../onnx/model.ts';
import { runSession } from '../onnx/run.ts';
import { createSession } from '../onnx/session.ts';
import { quantizeValue, quantOf } from '../ops/quantized.ts';
import { createExactEvaluator } from './exact.ts';
import { portOrder } from './order.ts';
import { inputQuantizer } from './quantize-input.ts';

/** How far a quantized network is from ONNX Runtime on the file that it came from, over all its outputs. */
export interface Agreement {
  readonly samples: number;
  /** Output values compared. */
  readonly values: number;
  /** Those that differ. */
  readonly differing: number;
  /** The largest difference, in steps of the output's scale. */
  readonly maxSteps: number;
}

/** What ONNX Runtime runs. */
export interface Original {
  /** The file, its bytes or its model, with the inputs and outputs that the graph's ports name. */
  readonly model: string | Uint8Array | SourceModel;
  /** Inputs that the network does not round itself: both sides get values that are on the input's grid. */
  readonly openInputs: ReadonlySet<TensorId>;
}

/** Samples that are compared, at most, where all of a data set would take long. */
const mostSamples = 1000;

/**
 * Compares the integers of the graph, which are those of the generated C, with what ONNX Runtime, optimized as users run
 * it, gives for the same samples.
 * @param graph quantized
 * @throws failed `onnxruntime` where ONNX Runtime can't run the model
 */
export async function agreementWith(
  original: Original,
  graph: Graph,
  data: Dataset,
  progress: Progress = silentProgress,
): Promise<Agreement> {
  const session = await createSession(original.model).catch(cannotRun);
  const evaluator = await createExactEvaluator(graph);
  const samples = Math.min(data.count, mostSamples);
  const sum = { samples, values: 0, differing: 0, maxSteps: 0 };
  progress.start('compare', samples);
  try {
    for (let i = 0; i < samples; i++) {
      const feeds = feedsOf(original, graph, batches(data, i, i + 1));
      const theirs = await runSession(session, feeds).catch(cannotRun);
      const steps = new Map(graph.inputs.map((p) => [p.tensor, inputSteps(graph, p, must(feeds.get(p.name), p.name))]));
      const ours = await evaluator.run(steps, 1);
      for (const port of graph.outputs) {
        const wanted = outputSteps(graph, port, must(theirs.get(port.name), port.name));
        addDifferences(sum, must(ours.get(port.tensor), port.tensor), wanted);
      }
      progress.tick();
    }
  } finally {
    await evaluator.release();
    await session.release();
  }
  progress.done();
  return sum;
}

function addDifferences(
  sum: { values: number; differing: number; maxSteps: number },
  ours: Int8Array,
  theirs: Int8Array,
): void {
  sum.values += ours.length;
  ours.forEach((q, i) => {
    if (q === theirs[i]) return;
    sum.differing++;
    sum.maxSteps = Math.max(sum.maxSteps, Math.abs(q - theirs[i]!));
  });
}

/** One sample as ONNX Runtime takes it; integer inputs get the integers that stand for its values. */
function feedsOf(original: Original, graph: Graph, reals: readonly Float32Array[]): Map<string, SourceTensor> {
  return new Map(
    graph.inputs.map((port, i): readonly [string, SourceTensor] => {
      const { name, shape, integer } = port;
      const real = must(reals[i], name);
      const quant = quantOf(tensorOf(graph, port.tensor));
      if (integer !== undefined) {
        const steps = Int8Array.from(real, (v) => quantizeValue(v, quant));
        if (integer === 'int8') return [name, { shape, dtype: 'int8', data: steps }];
        return [name, { shape, dtype: 'uint8', data: Uint8Array.from(steps, (q) => q + 128) }];
      }
      const onGrid = (v: number) => quant.step * (quantizeValue(v, quant) - quant.zeroPoint);
      const data = original.openInputs.has(port.tensor) ? real.map(onGrid) : real;
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

function inputSteps(graph: Graph, port: Port, value: SourceTensor): Int8Array {
  if (port.integer === undefined) return inputQuantizer(graph, port)(value.data as Float32Array, 1);
  const steps = signedSteps(port, value);
  const order = portOrder(port);
  return order === undefined ? steps : steps.map((_, i) => steps[order[i]!]!);
}

function signedSteps(port: Port, { data }: SourceTensor): Int8Array {
  const offset = port.integer === 'uint8' ? 128 : 0;
  return Int8Array.from(data, (v) => v - offset);
}

/** An output's ONNX value as steps of its tensor, in the tensor's own order. */
function outputSteps(graph: Graph, port: Port, value: SourceTensor): Int8Array {
  const tensor = tensorOf(graph, port.tensor);
  const quant = quantOf(tensor);
  const steps =
    port.integer === undefined ? Int8Array.from(value.data, (v) => quantizeValue(v, quant)) : signedSteps(port, value);
  // The views lead from the tensor to the ONNX value.
  const order = portOrder({ ...port, shape: tensor.shape });
  if (order === undefined) return steps;
  const own = new Int8Array(sizeOf(tensor.shape));
  order.forEach((to, i) => {
    own[to] = steps[i]!;
  });
  return own;
}

function cannotRun(cause: unknown): never {
  const details = [cause instanceof Error ? cause.message : String(cause)];
  throw failed({ code: 'onnxruntime', message: 'ONNX Runtime cannot run the model.', details }, cause);
}
