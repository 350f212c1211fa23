import { must } from '../../core/must.ts';
import { createRandom } from '../../core/random.ts';
import { outputIds, outputOf } from '../../graph/build.ts';
import { partOf } from '../../graph/part.ts';
import type { Graph, Node, NodeId, TensorId } from '../../graph/types.ts';
import { createFloatEvaluator } from '../../interpret/float.ts';
import { isReduction } from '../steps/groups.ts';
import type { SampledActivations } from './output-error.ts';

/** Relative power of the noise that is added to a layer's output: about that of rounding it. */
const NOISE = 2 ** -8;
const SEED = 4;

/**
 * How much of a layer's relative squared error arrives at the network's outputs: noise of a known power is added to the layer's output,
 * and what the rest of the network makes of it compared. Above 1 where it grows on the way.
 */
export async function sensitivities(graph: Graph, sampled: SampledActivations): Promise<ReadonlyMap<NodeId, number>> {
  const found = new Map<NodeId, number>();
  for (const [index, node] of graph.nodes.entries()) {
    if (isReduction(node)) found.set(node.id, await sensitivity(graph, index, node, sampled));
  }
  return found;
}

async function sensitivity(
  graph: Graph,
  index: number,
  node: Node,
  { values, count }: SampledActivations,
): Promise<number> {
  const valuesOf = (id: TensorId) => must(values.get(id), `values of ${id}`);
  const y = outputOf(graph, node).id;
  const noisy = withNoise(valuesOf(y));
  const rest = partOf(graph, graph.nodes.slice(index + 1));
  const outputs = outputIds(graph);
  if (outputs.includes(y) || !rest.inputs.some((p) => p.tensor === y)) return 1;
  const evaluator = await createFloatEvaluator(rest, { activations: rest.outputs.map((p) => p.tensor) });
  try {
    const inputs = rest.inputs.map(({ tensor }) => (tensor === y ? noisy : valuesOf(tensor)));
    const got = await evaluator.run(inputs, count);
    const errors = rest.outputs.map(({ tensor }) => relativeError(valuesOf(tensor), must(got.get(tensor), tensor)));
    return errors.reduce((a, b) => a + b, 0) / errors.length / NOISE;
  } finally {
    await evaluator.release();
  }
}

function withNoise(values: Float32Array): Float32Array {
  const random = createRandom(SEED);
  const step = Math.sqrt((powerOf(values) / values.length) * NOISE);
  return values.map((v) => v + random.normal() * step);
}

function powerOf(values: Float32Array): number {
  return values.reduce((sum, v) => sum + v * v, 0);
}

function relativeError(wanted: Float32Array, got: Float32Array): number {
  const power = powerOf(wanted);
  return power === 0 ? 0 : got.reduce((sum, v, i) => sum + (v - wanted[i]!) ** 2, 0) / power;
}
