import { invariant } from '../../core/diagnostics.ts';
import { must } from '../../core/must.ts';
import { isReadAfter, tensorOf, withTensors } from '../../graph/build.ts';
import type { Graph, Node, NodeId, TensorId } from '../../graph/types.ts';
import { runNodeExactly } from '../../interpret/run-node.ts';
import { fitsWindow, type SumRange } from '../../proof/accumulator.ts';
import { type IntegerLayer, integerLayerOf, isReductionNode, type ReductionNode } from '../../proof/certify.ts';
import type { ScaleGrid } from '../steps/clipping.ts';
import type { FittedLayer } from '../weights/layer.ts';
import { coarsen, keepMeans } from './coarsen.ts';
import { createProbe, mergeStatistics, type SumStatistics } from './probe.ts';
import { fillWindow, guardedRanges, isProvable, possibleRanges } from './ranges.ts';

export interface SettleOptions {
  readonly guard: number;
  readonly grid: ScaleGrid;
  /** What the weights were rounded under. */
  readonly fitted: ReadonlyMap<NodeId, FittedLayer>;
}

/**
 * Measures the sums of every layer that is not proven, layer after layer on quantized inputs, and states their ranges in the graph. A
 * channel whose sums leave their window gets coarser weights, until they do not; at the latest where they are proven to fit.
 * @param float the float graph, node for node, whose weights are coarsened
 * @param inputs `count` samples as int8 values of each graph input, one after the other
 */
export async function settleSums(
  float: Graph,
  quantized: Graph,
  inputs: ReadonlyMap<TensorId, Int8Array>,
  count: number,
  options: SettleOptions,
): Promise<Graph> {
  let graph = quantized;
  const values = new Map(inputs);
  const last = graph.nodes.findLastIndex(isReductionNode);
  for (let index = 0; index <= last; index++) {
    const original = graph.nodes[index]!;
    if (isReductionNode(original) && !isProvable(integerLayerOf(graph, original))) {
      const x = must(values.get(original.inputs[0]!), 'input');
      const weights = tensorOf(float, float.nodes[index]!.inputs[1]!).data as Float32Array;
      graph = await settleLayer(graph, index, { x, count, weights }, options);
    }
    const node = graph.nodes[index]!;
    if (index < last) values.set(node.outputs[0]!, await runNodeExactly(graph, node, values, count));
    for (const id of node.inputs) if (!isReadAfter(graph, id, index)) values.delete(id);
  }
  return graph;
}

interface Measured {
  readonly x: Int8Array;
  readonly count: number;
  /** Real. */
  readonly weights: Float32Array;
}

/** After these, channels that still leave their window get weights that are proven to fit. */
const ROUNDS = 4;
/** Each round takes a little more off than was too much, as rounding moves sums, too. */
const SPARE = 0.98;

async function settleLayer(start: Graph, index: number, data: Measured, options: SettleOptions): Promise<Graph> {
  const layerIn = (graph: Graph) => integerLayerOf(graph, graph.nodes[index] as ReductionNode);
  const wanted = layerIn(start);
  const { bits } = wanted.integer.accumulator;
  const means = await sumsOf(start, wanted, data);
  const { limit } = must(options.fitted.get(wanted.node.id), `weights of ${wanted.node.id}`).bounds;
  let [graph, seen] = [start, means];
  for (let round = 1; ; round++) {
    const layer = layerIn(graph);
    const ranges = guardedRanges(layer, seen, options.guard);
    const excess = ranges.map((own) => own.reduce((most, range) => Math.max(most, excessOf(range, bits)), 0));
    if (excess.every((e) => e === 0)) return stated(graph, layer, ranges);
    if (round > ROUNDS + 1) throw invariant('weights that are proven to fit do not', layer.node.id);
    const shares = excess.map((e) => (e === 0 ? 1 : round > ROUNDS ? 0 : SPARE / e));
    const coarse = coarsen(layer, { weights: data.weights, shares, limit, grid: options.grid });
    graph = withTensors(graph, [coarse]);
    seen = await sumsOf(graph, layerIn(graph), data);
    graph = withTensors(graph, [keepMeans(wanted, means, layerIn(graph), seen)]);
  }
}

/** How many times too wide a range is; 0 where it fits. */
function excessOf(range: SumRange, bits: number): number {
  return fitsWindow(range, bits) ? 0 : (range.hi - range.lo) / (2 ** bits - 1);
}

function stated(graph: Graph, layer: IntegerLayer, ranges: readonly (readonly SumRange[])[]): Graph {
  const { id } = layer.node;
  const { bits } = layer.integer.accumulator;
  const sums = ranges.map((own, o) => {
    const possible = possibleRanges(layer, o);
    return own.map((range, a) => fillWindow(range, possible[a]!, bits));
  });
  const integer = { ...layer.integer, mode: 'calibrated', sums } as const;
  const nodes = graph.nodes.map((node) => (node.id === id ? ({ ...node, op: { ...node.op, integer } } as Node) : node));
  return { ...graph, nodes };
}

async function sumsOf(graph: Graph, layer: IntegerLayer, { x, count }: Measured): Promise<SumStatistics> {
  const { node, integer, weights } = layer;
  const probe = await createProbe({ graph, node, model: integer.accumulator, weights: weights.data });
  const size = x.length / count;
  try {
    const samples: SumStatistics[] = [];
    for (let i = 0; i < count; i++) {
      const sample = Float32Array.from(x.subarray(i * size, (i + 1) * size), (q) => q - layer.x.zeroPoint);
      samples.push(...(await probe.run(sample, 1)));
    }
    return mergeStatistics(samples);
  } finally {
    await probe.release();
  }
}
