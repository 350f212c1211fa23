import { must } from '../core/must.ts';
import { outputOf } from '../graph/build.ts';
import { singleNodeGraph } from '../graph/part.ts';
import type { Graph, Node, TensorId } from '../graph/types.ts';
import { createExactEvaluator } from './exact.ts';
import { createFloatEvaluator } from './float.ts';
import type { RunnerOptions } from './runner.ts';

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
  options: RunnerOptions = {},
): Promise<Int8Array> {
  const output = outputOf(graph, node).id;
  const evaluator = await createExactEvaluator(singleNodeGraph(graph, node), options);
  try {
    return must((await evaluator.run(values, count)).get(output), `output of ${node.id}`);
  } finally {
    await evaluator.release();
  }
}

/** The same for a node of a float graph. */
export async function runNodeInFloat(
  graph: Graph,
  node: Node,
  values: ReadonlyMap<TensorId, Float32Array>,
  count: number,
  options: RunnerOptions = {},
): Promise<Float32Array> {
  const single = singleNodeGraph(graph, node);
  const evaluator = await createFloatEvaluator(single, options);
  try {
    const inputs = single.inputs.map(({ tensor }) => must(values.get(tensor), tensor));
    const output = outputOf(graph, node).id;
    return must((await evaluator.run(inputs, count)).get(output), output);
  } finally {
    await evaluator.release();
  }
}
