import { must } from '../core/must.ts';
import { outputOf } from '../graph/build.ts';
import { singleNodeGraph } from '../graph/part.ts';
import type { Graph, Node, TensorId } from '../graph/types.ts';
import { createExactEvaluator } from './exact.ts';
import { createFloatEvaluator } from './float.ts';

/**
 * Runs one node of a quantized graph on `count` samples, exactly: for what changes the graph from node to node, as bias
 * correction does.
 * @param values at least the int8 activations that the node reads, each sample after sample
 * @returns its output, sample after sample
 */
export async function runNodeExactly(
  graph: Graph,
  node: Node,
  values: ReadonlyMap<TensorId, Int8Array>,
  count: number,
): Promise<Int8Array> {
  return runNode(graph, node, createExactEvaluator, (evaluator) => evaluator.run(values, count));
}

/** The same for a node of a float graph. */
export async function runNodeInFloat(
  graph: Graph,
  node: Node,
  values: ReadonlyMap<TensorId, Float32Array>,
  count: number,
): Promise<Float32Array> {
  return runNode(graph, node, createFloatEvaluator, (evaluator, { inputs }) =>
    evaluator.run(
      inputs.map(({ tensor }) => must(values.get(tensor), tensor)),
      count,
    ),
  );
}

async function runNode<Evaluator extends { release(): Promise<void> }, Values>(
  graph: Graph,
  node: Node,
  create: (single: Graph) => Promise<Evaluator>,
  run: (evaluator: Evaluator, single: Graph) => Promise<ReadonlyMap<TensorId, Values>>,
): Promise<Values> {
  const single = singleNodeGraph(graph, node);
  const evaluator = await create(single);
  try {
    return must((await run(evaluator, single)).get(outputOf(graph, node).id), `output of ${node.id}`);
  } finally {
    await evaluator.release();
  }
}
