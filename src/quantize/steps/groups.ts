import { must } from '../../core/must.ts';
import { isKind } from '../../graph/build.ts';
import type { Graph, Node, OpKind, TensorId } from '../../graph/types.ts';
import { definitionOf } from '../../ops/index.ts';

/** Operators that move values without computing: their inputs and outputs share one quantization. */
const MOVERS: ReadonlySet<OpKind> = new Set([
  'maxPool',
  'extremum',
  'reshape',
  'transpose',
  'pad',
  'concat',
  'slice',
  'depthToSpace',
  'spaceToDepth',
  'resize',
]);

/** True for operators whose inputs and outputs must have one quantization. */
export function movesValues(node: Node): boolean {
  return MOVERS.has(node.op.kind);
}

/** True for operators with weights: their products are summed in accumulators. */
export function isReduction(node: Node): boolean {
  return definitionOf(node).reduction !== undefined;
}

/** True for operators whose inputs and outputs are in one group: `diffuse` is in it with the grid that its output is made from. */
function staysInGroup(node: Node): boolean {
  return movesValues(node) || isKind(node, 'diffuse');
}

/** True for additions and the like, which see the noise of the data only. */
export function isOtherReader(node: Node, group: ActivationGroup): boolean {
  return !isReduction(node) && !staysInGroup(node) && node.inputs.some((id) => group.members.includes(id));
}

/** A function's own range, which needs no data. */
export type NaturalRange = 'softmax' | 'argMax' | 'sigmoid' | 'tanh';

/** Activations that share one quantization; where errors are diffused, one range. */
export interface ActivationGroup {
  readonly members: readonly TensorId[];
  /** The layers whose accumulators sum products of these activations. */
  readonly readers: readonly Node[];
  /** Where all values come from such functions. */
  readonly natural?: NaturalRange;
}

/** The groups of all activations of a float graph, in the order of their first members. */
export function activationGroups(graph: Graph): ActivationGroup[] {
  const parent = new Map<TensorId, TensorId>();
  for (const p of graph.inputs) parent.set(p.tensor, p.tensor);
  for (const n of graph.nodes) for (const id of n.outputs) parent.set(id, id);
  const find = (id: TensorId): TensorId => {
    const up = must(parent.get(id), `activation ${id}`);
    return up === id ? id : find(up);
  };
  for (const n of graph.nodes.filter(staysInGroup)) {
    for (const id of n.inputs) if (parent.has(id)) parent.set(find(id), find(n.outputs[0]!));
  }
  const members = new Map<TensorId, TensorId[]>();
  for (const id of parent.keys()) members.set(find(id), [...(members.get(find(id)) ?? []), id]);
  return [...members.values()].map((ids) => groupOf(graph, ids));
}

function groupOf(graph: Graph, members: readonly TensorId[]): ActivationGroup {
  const readers = graph.nodes.filter((n) => isReduction(n) && members.includes(n.inputs[0]!));
  const natural = naturalRangeOf(graph, members);
  return { members, readers, ...(natural === undefined ? {} : { natural }) };
}

/** Softmax and ArgMax decide for their whole group, as their integer meaning has one output quantization only. */
function naturalRangeOf(graph: Graph, members: readonly TensorId[]): NaturalRange | undefined {
  const sources = members.map((id) => graph.nodes.find((n) => n.outputs.includes(id)));
  const ranges = sources.filter((n) => n === undefined || !staysInGroup(n)).map(rangeOfFunction);
  if (ranges.includes('softmax')) return 'softmax';
  if (ranges.includes('argMax')) return 'argMax';
  return ranges.every((r) => r === ranges[0]) ? ranges[0] : undefined;
}

function rangeOfFunction(node: Node | undefined): NaturalRange | undefined {
  if (node === undefined) return undefined;
  if (isKind(node, 'softmax')) return 'softmax';
  if (isKind(node, 'argMax')) return 'argMax';
  if (!isKind(node, 'unary')) return undefined;
  const { name } = node.op.fn;
  return name === 'sigmoid' || name === 'tanh' ? name : undefined;
}
