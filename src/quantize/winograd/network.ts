import { must } from '../../core/must.ts';
import { type Progress, silentProgress } from '../../core/progress.ts';
import { GraphBuilder, inputsOf, isReadAfter, outputOf, tensorOf } from '../../graph/build.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Conv2dOp, Graph, Node, NodeId, Tensor, TensorId, WinogradOp } from '../../graph/types.ts';
import { runNodeExactly } from '../../interpret/run-node.ts';
import { winogradTransforms } from '../../numeric/winograd.ts';
import { quantOf } from '../../ops/quantized.ts';
import { methodOf } from '../reconstruct/at-layer.ts';
import { withBias } from '../rewrite/integer-graph.ts';
import type { InstructionCount } from '../search/request.ts';
import { fitsWeights, type Technique } from '../techniques.ts';
import { meanProducts, patchMeans } from '../weights/patch-mean.ts';
import { centredBias } from './bias.ts';
import { costText, decide, labelOf, type Wanted, type WinogradDecision, type WinogradDecisions } from './decide.ts';
import { type FittedWinograd, fitWinograd } from './fit.ts';
import { type WinogradForm, type WinogradName, type WinogradPlan, winogradForms } from './plan.ts';
import type { TileSource } from './tiles.ts';

export interface WinogradInputs {
  /** The same network, node for node. */
  readonly float: Graph;
  readonly quantized: Graph;
  readonly plan: WinogradPlan;
  readonly count: number;
  /** `count` samples of each input. */
  readonly inputs: ReadonlyMap<TensorId, Int8Array>;
  /** The mean of each element of what planned layers read in the float network, over the same samples. */
  readonly means: ReadonlyMap<TensorId, Float64Array>;
  readonly techniques: ReadonlySet<Technique>;
  /** Float outputs of the layers that are to be measured. */
  readonly wanted: Wanted;
  /** Segments of the products of a tap, where there are more than one. */
  readonly segments: ReadonlyMap<NodeId, number>;
  /** For the reasons that are given. */
  readonly instructionsOf?: InstructionCount | undefined;
}

export interface WinogradNetwork {
  readonly graph: Graph;
  readonly decisions: WinogradDecisions;
}

/**
 * Puts Winograd convolutions in the place of the planned layers, one after the other, each fitted to what the network
 * before it gives on some samples.
 */
export async function withWinograd(
  given: WinogradInputs,
  progress: Progress = silentProgress,
): Promise<WinogradNetwork> {
  const { float, quantized, plan, count, inputs } = given;
  const decisions = new Map<NodeId, WinogradDecision>();
  let graph = quantized;
  const values = new Map(inputs);
  const last = graph.nodes.findLastIndex((node) => plan.has(node.id));
  if (last < 0) return { graph, decisions };
  progress.start('transform layers', last + 1);
  for (let index = 0; index <= last; index++) {
    const choice = plan.get(graph.nodes[index]!.id);
    if (choice !== undefined) {
      const node = graph.nodes[index] as Node<Conv2dOp>;
      const read = must(values.get(node.inputs[0]!), `values of ${node.inputs[0]}`);
      const direct = graph;
      const transform = (name: WinogradName) =>
        transformed(given, direct, {
          node,
          floatNode: float.nodes[index] as Node<Conv2dOp>,
          form: winogradForms[name],
          read,
        });
      const decided =
        choice === 'auto'
          ? await decide(graph, node, given.wanted, values, transform, given.instructionsOf)
          : await asked(graph, node.id, choice, transform, given.instructionsOf);
      graph = decided.graph;
      decisions.set(node.id, decided.decision);
    }
    const node = graph.nodes[index]!;
    if (index < last) values.set(node.outputs[0]!, await runNodeExactly(graph, node, values, count));
    for (const id of node.inputs) if (!isReadAfter(graph, id, index)) values.delete(id);
    progress.tick();
  }
  progress.done();
  return { graph, decisions };
}

async function asked(
  graph: Graph,
  id: NodeId,
  name: WinogradName,
  transform: (name: WinogradName) => Promise<Graph | undefined>,
  instructionsOf: InstructionCount | undefined,
) {
  const found = await transform(name);
  const decision: WinogradDecision =
    found === undefined
      ? {
          form: 'direct',
          reason: `${labelOf(name)} was asked for, but its sums leave 32 bits or its data have too many bits`,
        }
      : { form: name, reason: `asked for${costText(found, id, instructionsOf)}` };
  return { graph: found ?? graph, decision };
}

interface Place {
  readonly node: Node<Conv2dOp>;
  readonly floatNode: Node<Conv2dOp>;
  readonly form: WinogradForm;
  readonly read: Int8Array;
}

async function transformed(
  given: WinogradInputs,
  graph: Graph,
  { node, floatNode, form, read }: Place,
): Promise<Graph | undefined> {
  const { techniques } = given;
  const source = sourceOf(graph, node, form, read);
  const fitted = await fitWinograd(
    { graph: given.float, node: floatNode },
    { graph, node },
    form,
    source,
    given.segments.get(node.id) ?? 1,
    fitsWeights(techniques) ? methodOf(techniques) : undefined,
  );
  if (fitted === undefined) return undefined;
  const replaced = withLayer(graph, node, fitted);
  if (!techniques.has('bias')) return replaced;
  const winograd = must(
    replaced.nodes.find(({ id }) => id === node.id),
    node.id,
  ) as Node<WinogradOp>;
  const mean = must(given.means.get(floatNode.inputs[0]!), `mean of ${floatNode.inputs[0]}`);
  return withBias(
    replaced,
    winograd,
    centredBias(replaced, winograd, source, wantedMeans(given.float, floatNode, mean)),
  );
}

export function sourceOf(graph: Graph, node: Node<Conv2dOp>, { tile }: WinogradForm, values: Int8Array): TileSource {
  const x = tensorOf(graph, node.inputs[0]!);
  const [, outHeight, outWidth] = outputOf(graph, node).shape as [number, number, number];
  return {
    transforms: winogradTransforms(tile),
    shape: x.shape,
    values,
    samples: values.length / sizeOf(x.shape),
    pads: node.op.pads,
    zeroPoint: quantOf(x).zeroPoint,
    outHeight,
    outWidth,
  };
}

/** The mean of each channel's sums in the float network. */
function wantedMeans(float: Graph, node: Node<Conv2dOp>, mean: Float64Array): Float64Array {
  const [, w, b] = inputsOf(float, node) as [Tensor, Tensor, Tensor];
  const products = meanProducts(w.data as Float32Array, b.data!.length, patchMeans(float, node, mean));
  return products.map((product, o) => product + b.data![o]!);
}

/** The graph with a Winograd convolution in the place of a node. */
function withLayer(graph: Graph, node: Node, { op, weights, quant, bias }: FittedWinograd): Graph {
  const builder = GraphBuilder.rebuild(graph);
  const [x, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const rows = quant.scale.length;
  const own = [
    x.id,
    builder.constant(w.id, [rows, weights.length / rows], weights, { quant }),
    builder.constant(b.id, b.shape, bias),
  ];
  for (const other of graph.nodes) builder.nodes.push(other === node ? { ...node, op, inputs: own } : other);
  return builder.build();
}
