import { outputIds } from '../graph/build.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { createExactSession, type ExactEvaluator } from './exact-session.ts';
import { createExactStages, hasExactForm } from './exact-stages.ts';
import type { RunnerOptions } from './runner.ts';

export interface ExactOptions extends RunnerOptions {
  /** The tensors that `run` returns: the graph's outputs without it; `all` are all activations, inputs included. */
  readonly activations?: readonly TensorId[] | 'all';
}

/**
 * What ONNX can't say runs in plain loops, between sessions.
 * @throws invariant where the graph is not quantized
 */
export async function createExactEvaluator(graph: Graph, options: ExactOptions = {}): Promise<ExactEvaluator> {
  const wanted = wantedTensors(graph, options.activations);
  const create = graph.nodes.every(hasExactForm) ? createExactSession : createExactStages;
  return create(graph, wanted, options);
}

/** The activations that an evaluator returns. */
export function wantedTensors(graph: Graph, wanted: readonly TensorId[] | 'all' | undefined): readonly TensorId[] {
  if (wanted === 'all') return [...graph.tensors.values()].filter((t) => t.data === undefined).map((t) => t.id);
  return wanted === undefined ? outputIds(graph) : [...new Set(wanted)];
}
