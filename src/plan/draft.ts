import { must } from '../core/must.ts';
import { consumersOf, isGraphOutput, isKind, outputOf, tensorOf } from '../graph/build.ts';
import type { Graph, Node, Port, TensorId } from '../graph/types.ts';
import { activationsOf } from './activations.ts';
import { isView, type Locations, type Value } from './buffers.ts';
import { type Point, slicesOf } from './concat.ts';
import { hasBorder } from './placement.ts';

/** A step before offsets are known: what it reads and writes by name. */
export type Draft =
  | { readonly kind: 'load'; readonly port: Port; readonly reads: readonly []; readonly write: TensorId }
  | { readonly kind: 'constant'; readonly reads: readonly []; readonly write: TensorId }
  | { readonly kind: 'layer'; readonly node: Node; readonly reads: readonly TensorId[]; readonly write: TensorId }
  | {
      readonly kind: 'copy';
      readonly node: Node;
      readonly reads: readonly [TensorId];
      readonly write: TensorId;
      readonly at: Point;
    }
  | { readonly kind: 'store'; readonly port: Port; readonly reads: readonly [TensorId] };

/** The program's steps: inputs are loaded, layers run in the graph's order, outputs are stored. */
export function draftSteps(graph: Graph, locations: Locations): Draft[] {
  const drafts: Draft[] = [];
  for (const port of graph.inputs) {
    const read = consumersOf(graph, port.tensor).length > 0 || isGraphOutput(graph, port.tensor);
    if (read) drafts.push({ kind: 'load', port, reads: [], write: port.tensor });
  }
  const loaded = new Set<TensorId>();
  for (const node of graph.nodes) {
    const reads = activationsOf(node);
    for (const id of reads) {
      if (tensorOf(graph, id).data === undefined || loaded.has(id)) continue;
      loaded.add(id);
      drafts.push({ kind: 'constant', reads: [], write: id });
    }
    drafts.push(...draftNode(graph, locations, node, reads));
  }
  for (const port of graph.outputs) drafts.push({ kind: 'store', port, reads: [port.tensor] });
  return drafts;
}

function draftNode(graph: Graph, locations: Locations, node: Node, reads: readonly TensorId[]): Draft[] {
  const write = outputOf(graph, node).id;
  const buffer = locations.get(write)?.buffer;
  if (isKind(node, 'concat')) {
    return slicesOf(graph, node)
      .filter(({ input }) => locations.get(input)?.buffer !== buffer)
      .map(({ input, at }) => ({ kind: 'copy', node, reads: [input], write, at }));
  }
  if (isView(node, graph) && locations.get(reads[0]!)?.buffer === buffer) return [];
  return [{ kind: 'layer', node, reads, write }];
}

/** The steps that fill a border: the first that writes a value with one. */
export function borderFills(drafts: readonly Draft[], locations: Locations): ReadonlyMap<number, Value> {
  const filled = new Set<Value>();
  const fills = new Map<number, Value>();
  drafts.forEach((draft, index) => {
    if (draft.kind === 'store') return;
    const { value } = must(locations.get(draft.write), draft.write);
    if (!hasBorder(value.border) || filled.has(value)) return;
    filled.add(value);
    fills.set(index, value);
  });
  return fills;
}
