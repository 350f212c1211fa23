import { must } from '../../core/must.ts';
import { type Progress, silentProgress } from '../../core/progress.ts';
import { inputsOf, isReadAfter, tensorOf } from '../../graph/build.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Graph, TensorId } from '../../graph/types.ts';
import { runNodeExactly } from '../../interpret/run-node.ts';
import { isReductionNode } from '../../proof/certify.ts';
import type { Calibration } from '../calibrate.ts';
import { withBias } from '../rewrite/integer-graph.ts';
import { correctedBiases, roundBiases } from './bias.ts';

/**
 * Corrects the biases layer after layer: each layer's inputs are those that the corrected layers before it give.
 * @param float the float graph, @param quantized the same in integers, node for node
 * @param inputs the samples that the calibration's means are of, as int8 values of each graph input, one after the other
 * @returns the quantized graph with other biases
 */
export async function correctBiases(
  float: Graph,
  quantized: Graph,
  { means, subset }: Calibration,
  inputs: ReadonlyMap<TensorId, Int8Array>,
  progress: Progress = silentProgress,
): Promise<Graph> {
  let graph = quantized;
  const values = new Map(inputs);
  const last = graph.nodes.findLastIndex(isReductionNode);
  progress.start('correct biases', last + 1);
  for (const [index, node] of graph.nodes.slice(0, last + 1).entries()) {
    const read = node.inputs.filter((id) => tensorOf(graph, id).data === undefined);
    if (isReductionNode(node)) {
      const x = tensorOf(graph, read[0]!);
      const mean = meanOf(must(values.get(x.id), `values of ${x.id}`), sizeOf(x.shape));
      const floatNode = must(float.nodes[index], 'float node');
      const floatMean = must(means.get(x.id), `mean of ${x.id}`);
      const bias = correctedBiases({ graph: float, node: floatNode, mean: floatMean }, { graph, node, mean });
      const [, w] = inputsOf(graph, node);
      const scales = must(w?.quant, `weight quantization of ${node.id}`).scale;
      graph = withBias(graph, node, roundBiases(bias, must(x.quant, 'input quantization').scale[0]!, scales));
    }
    if (index < last) values.set(node.outputs[0]!, await runNodeExactly(graph, node, values, subset.length));
    for (const id of read) if (!isReadAfter(graph, id, index)) values.delete(id);
    progress.tick();
  }
  progress.done();
  return graph;
}

/** The mean of each of `size` elements over samples. */
export function meanOf(values: Int8Array | Float32Array, size: number): Float64Array {
  const mean = new Float64Array(size);
  for (let from = 0; from < values.length; from += size) for (let i = 0; i < size; i++) mean[i]! += values[from + i]!;
  const count = values.length / size;
  return mean.map((sum) => sum / count);
}
