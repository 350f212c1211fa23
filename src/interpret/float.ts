import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { exportFloat } from '../onnx/export-float.ts';
import { wantedTensors } from './exact.ts';
import { copyFromStored } from './order.ts';
import { createRunner, type RunnerOptions } from './runner.ts';

/** A graph's float meaning on ONNX Runtime, with the values in between: for calibration. */
export interface FloatEvaluator {
  /**
   * @param inputs `count` samples in the ONNX input's own order, as `Dataset.batch` gives them; one array for each graph
   *   input where there are several
   * @returns the requested activations in their tensors' own order (channels last), sample after sample; one array for tensors that are the
   *   same in float
   */
  run(inputs: Float32Array | readonly Float32Array[], count: number): Promise<Map<TensorId, Float32Array>>;
  /** Frees the session; the evaluator can't be used afterwards. */
  release(): Promise<void>;
}

export interface FloatOptions extends RunnerOptions {
  /** The tensors that `run` returns: the graph's outputs without it; `all` are all activations, inputs included. */
  readonly activations?: readonly TensorId[] | 'all';
}

/** @param graph a float graph, before or after any pass */
export async function createFloatEvaluator(graph: Graph, options: FloatOptions = {}): Promise<FloatEvaluator> {
  const { model, activations } = exportFloat(graph, { activations: true });
  const tensors = wantedTensors(graph, options.activations).map((id) => tensorOf(graph, id));
  const outputs = tensors.map((t) => must(activations.get(t.id), `activation ${t.id}`));
  // Tensors that only differ in their view share one output; those that don't differ at all share their values, too.
  const names = [...new Set(outputs)];
  const keys = tensors.map(({ shape }, t) => `${outputs[t]} ${shape}`);
  const first = keys.map((key) => keys.indexOf(key));
  const runner = await createRunner(graph, model, names, options);
  return {
    async run(inputs, count) {
      const values = inputs instanceof Float32Array ? [inputs] : inputs;
      const results = tensors.map(({ shape }, t) => new Float32Array(first[t] === t ? count * sizeOf(shape) : 0));
      await runner.run(
        count,
        (i, from, to) => {
          const all = must(values[i], `input ${i}`);
          const size = sizeOf(must(graph.inputs[i], 'port').shape);
          if (all.length !== count * size) throw invariant(`${all.length} values for ${count} samples of ${size}`);
          return all.subarray(from * size, to * size);
        },
        (i, from, stored) => {
          tensors.forEach(({ shape }, t) => {
            if (outputs[t] === names[i] && first[t] === t)
              copyFromStored(stored, shape, results[t]!, from * sizeOf(shape), 0);
          });
        },
      );
      return new Map(tensors.map(({ id }, t) => [id, results[first[t]!]!]));
    },
    release: runner.release,
  };
}
