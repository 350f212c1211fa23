import { must } from '../../core/must.ts';
import type { Progress } from '../../core/progress.ts';
import { inputsOf, isKind, isReadAfter, withTensors } from '../../graph/build.ts';
import type { Graph, Node, NodeId, Tensor } from '../../graph/types.ts';
import { matrixProducts } from '../../interpret/products.ts';
import { runNodeExactly, runNodeInFloat } from '../../interpret/run-node.ts';
import { quantOf } from '../../ops/quantized.ts';
import { isReductionNode, type ReductionNode } from '../../proof/certify.ts';
import { roundBiases } from '../weights/bias.ts';
import { type NetworkInput, type NewLayer, reconstructAt, type State } from './at-layer.ts';

export interface ReconstructedNetwork {
  readonly graph: Graph;
  /** Of each layer that was fitted anew: the squared error of its sums, errors of the layers before it included. */
  readonly noise: ReadonlyMap<NodeId, number>;
}

/**
 * Fits the integer weights of one layer after the other, each on what the layers before it give, now that they are quantized: so
 * it makes up for their errors as far as it can.
 */
export async function reconstructNetwork(input: NetworkInput, progress: Progress): Promise<ReconstructedNetwork> {
  const { float, quantized, samples } = input;
  let state: State = { graph: quantized, real: new Map(samples.real), quantized: new Map(samples.quantized) };
  const noise = new Map<NodeId, number>();
  const products = await matrixProducts();
  progress.start('fit weights', quantized.nodes.length);
  for (const [index, node] of quantized.nodes.entries()) {
    const floatNode = must(float.nodes[index], 'float node');
    const output = must(node.outputs[0], 'output');
    state.real.set(output, await floatOutput(float, floatNode, state.real, samples.count));
    if (isReductionNode(node) && isReductionNode(floatNode)) {
      const layer = await reconstructAt({ input, state, floatNode, node }, products);
      state = { ...state, graph: withLayer(state.graph, node, layer) };
      if (layer.noise !== undefined) noise.set(node.id, layer.noise);
    }
    state.quantized.set(output, await runNodeExactly(state.graph, node, state.quantized, samples.count));
    release(state, node, index);
    progress.tick();
  }
  progress.done();
  return { graph: state.graph, noise };
}

/** Error diffusion does nothing in float: no need for a copy of what may be the largest activation. */
async function floatOutput(float: Graph, node: Node, real: State['real'], count: number): Promise<Float32Array> {
  return isKind(node, 'diffuse') ? must(real.get(node.inputs[0]!), node.id) : runNodeInFloat(float, node, real, count);
}

function withLayer(graph: Graph, node: ReductionNode, { data, scale, bias }: NewLayer): Graph {
  const [x, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const weights = data === undefined || scale === undefined ? w : { ...w, data, quant: { ...w.quant!, scale } };
  return withTensors(graph, [
    weights,
    { ...b, data: roundBiases(bias, quantOf(x).step, must(weights.quant, w.id).scale) },
  ]);
}

/** Drops values that no later node reads: only those of a few layers are alive at any time. */
function release({ graph, real, quantized }: State, node: Node, index: number): void {
  for (const id of node.inputs) {
    if (isReadAfter(graph, id, index)) continue;
    real.delete(id);
    quantized.delete(id);
  }
}
