import { must } from '../core/must.ts';
import type { Graph } from '../graph/types.ts';
import type { SourceModel } from '../onnx/model.ts';
import { Tensor as OrtTensor } from '../onnx/runtime.ts';
import { createSession } from '../onnx/session.ts';
import { isBatchable, withBatch } from './batching.ts';

export interface RunnerOptions {
  /** Threads of ONNX Runtime; all cores without it. */
  readonly threads?: number;
  /** Samples a run; the activations of 8 stay in the caches (measured: more is slower). */
  readonly batch?: number;
}

/** A written model of one graph, run over any number of samples in batches. */
export interface Runner {
  /**
   * @param feed values of input `index` for the samples `from` to `to - 1`, in the written order
   * @param take receives those of output `index`
   */
  run(
    count: number,
    feed: (index: number, from: number, to: number) => Float32Array,
    take: (index: number, from: number, values: Float32Array) => void,
  ): Promise<void>;
  release(): Promise<void>;
}

/**
 * @param model as written for one sample of `graph`, float32 inputs and outputs
 * @param outputs names of the outputs to compute
 */
export async function createRunner(
  graph: Graph,
  model: SourceModel,
  outputs: readonly string[],
  options: RunnerOptions = {},
): Promise<Runner> {
  const batchable = isBatchable(graph);
  const session = await createSession(batchable ? withBatch(model) : model, options);
  const batch = batchable ? (options.batch ?? 8) : 1;
  const dims = model.inputs.map((i) => must(i.shape, i.name) as readonly number[]);
  return {
    async run(count, feed, take) {
      for (let from = 0; from < count; from += batch) {
        const to = Math.min(count, from + batch);
        const feeds = model.inputs.map(({ name }, i) => {
          const shape = batchable ? [to - from, ...dims[i]!.slice(1)] : dims[i]!;
          return [name, new OrtTensor('float32', feed(i, from, to), shape)] as const;
        });
        const results = await session.run(Object.fromEntries(feeds), outputs);
        outputs.forEach((name, i) => {
          take(i, from, must(results[name], name).data as Float32Array);
        });
      }
    },
    release: () => session.release(),
  };
}
