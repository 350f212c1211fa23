import { must } from '../../core/must.ts';
import { logitsOf, outputIds, outputOf, tensorOf } from '../../graph/build.ts';
import { partOf } from '../../graph/part.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Graph, Node, QuantParams, TensorId } from '../../graph/types.ts';
import { createFloatEvaluator } from '../../interpret/float.ts';
import type { ActivationGroup } from '../steps/groups.ts';
import { roundValues, type SampledActivations } from './output-error.ts';

/**
 * What the quantization of one group of activations does to the network's outputs, all else in float: their relative squared errors,
 * added. Each sample counts alike, else those with large outputs, which a classifier is sure of, would decide; and each sample's mean is
 * taken off, as it changes no comparison of its outputs. Where a softmax makes the outputs, what it reads is judged: it hides most of the error
 * of all but the samples that it is unsure of.
 *
 * The error of the next layer's output is not enough to go by: errors of rounding are as good as independent from position to
 * position and average out on the way, in every convolution and in the pooling at the end. A clipped peak does not: what it lacks is
 * missing everywhere in the feature that it stands for.
 */
export interface NetworkError {
  /**
   * @param x the group's quantization
   * @param outputs what its layers make of it, on the samples
   */
  of(x: QuantParams, outputs: ReadonlyMap<TensorId, Float32Array>): Promise<number>;
  /** Frees the session. */
  release(): Promise<void>;
}

/**
 * @param graph the float graph that the activations are of
 * @returns undefined where a layer of the group gets what another one makes: it can't be judged with the other in float
 */
export async function networkErrorOf(
  graph: Graph,
  sampled: SampledActivations,
  group: ActivationGroup,
): Promise<NetworkError | undefined> {
  const behind = nodesBehind(graph, group);
  if (behind === undefined) return undefined;
  const judged = outputIds(graph).map((id) => logitsOf(graph, id));
  const made = new Set(behind.flatMap((node) => node.outputs));
  const rest = partOf(
    graph,
    behind,
    judged.filter((id) => made.has(id)),
  );
  const evaluator = rest.outputs.length > 0 ? await createFloatEvaluator(rest) : undefined;
  const float = (id: TensorId) => must(sampled.values.get(id), `values of ${id}`);
  return {
    async of(x, outputs) {
      const valuesOf = (id: TensorId) =>
        outputs.get(id) ?? (group.members.includes(id) ? roundValues(float(id), x) : float(id));
      const inputs = rest.inputs.map(({ tensor }) => valuesOf(tensor));
      const results = await evaluator?.run(inputs, sampled.count);
      return judged.reduce((sum, id) => {
        const size = sizeOf(tensorOf(graph, id).shape);
        return sum + relativeError(float(id), results?.get(id) ?? valuesOf(id), size);
      }, 0);
    },
    release: async () => evaluator?.release(),
  };
}

/** What computes with the group, but its layers: those of the other nodes behind it that make something else. */
function nodesBehind(graph: Graph, { members, readers }: ActivationGroup): Node[] | undefined {
  const reached = new Set<TensorId>(members);
  const made = new Set<TensorId>();
  const behind: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((id) => reached.has(id))) continue;
    const output = outputOf(graph, node).id;
    const isReader = readers.includes(node);
    const readsMade = node.inputs.some((id) => made.has(id));
    if (isReader && readsMade) return undefined;
    if (isReader || readsMade) made.add(output);
    if (!isReader && !members.includes(output)) behind.push(node);
    reached.add(output);
  }
  return behind;
}

/** The mean of Σ (ŷ − y)² / Σ y², both around their means, over samples of `size` values. */
function relativeError(wanted: Float32Array, got: Float32Array, size: number): number {
  let sum = 0;
  for (let from = 0; from < wanted.length; from += size) {
    const [y, z] = [centred(wanted.subarray(from, from + size)), centred(got.subarray(from, from + size))];
    let [error, power] = [0, 0];
    for (let i = 0; i < size; i++) {
      error += (z[i]! - y[i]!) ** 2;
      power += y[i]! ** 2;
    }
    if (power > 0) sum += error / power;
  }
  return (sum * size) / wanted.length;
}

function centred(values: Float32Array): Float64Array {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = values.length > 1 ? sum / values.length : 0;
  return Float64Array.from(values, (v) => v - mean);
}
