import { must } from '../core/must.ts';
import { consumersOf, isGraphOutput, withoutDeadTensors } from '../graph/build.ts';
import { checkGraph } from '../graph/check.ts';
import type { Graph, Node, NodeId, Tensor, TensorId } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';

/** A pure step from graph to graph; returns the same object when nothing changed. */
export interface Pass {
  readonly name: string;
  run(graph: Graph): Graph;
}

/** Runs the passes in order; the graph is checked after each. */
export function runPasses(graph: Graph, passes: readonly Pass[]): Graph {
  return passes.reduce((before, pass) => {
    const after = pass.run(before);
    if (after !== before) verifyGraph(after, pass.name);
    return after;
  }, graph);
}

/** checkGraph with the operators' own shape inference. */
export function verifyGraph(graph: Graph, after: string): void {
  checkGraph(graph, (node, inputs) => definitionOf(node).infer(node, inputs), after);
}

/** Applies a local rewrite, node by node, until it finds nothing more; `rewrite` returns undefined where it does not apply. */
export function untilStable(graph: Graph, rewrite: (graph: Graph, node: Node) => Graph | undefined): Graph {
  let current = graph;
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of current.nodes) {
      const next = rewrite(current, node);
      if (next === undefined) continue;
      current = next;
      changed = true;
      break;
    }
  }
  return current;
}

/** The only reader of a tensor; undefined where there are several, or where it leaves the network. */
export function soleConsumer(graph: Graph, id: TensorId): Node | undefined {
  const consumers = consumersOf(graph, id);
  return consumers.length === 1 && !isGraphOutput(graph, id) ? consumers[0] : undefined;
}

export interface Edit {
  /** In the place of a node; an empty list removes it. */
  readonly nodes: ReadonlyMap<NodeId, readonly Node[]>;
  /** New tensors, and new versions of old ones. */
  readonly tensors?: readonly Tensor[];
}

/** The graph after an edit, without tensors that nothing mentions any more. */
export function edited(graph: Graph, edit: Edit): Graph {
  const tensors = new Map(graph.tensors);
  for (const t of edit.tensors ?? []) tensors.set(t.id, t);
  return withoutDeadTensors({ ...graph, nodes: graph.nodes.flatMap((n) => edit.nodes.get(n.id) ?? [n]), tensors });
}

/** `producer` yields what `consumer` did; its old output must have no other reader. */
export function merged(graph: Graph, producer: Node, consumer: Node, tensors: readonly Tensor[] = []): Graph {
  const nodes = new Map([
    [producer.id, [{ ...producer, outputs: consumer.outputs }]],
    [consumer.id, []],
  ]);
  return edited(graph, { nodes, tensors });
}

/** Removes a node that yields its first input unchanged. */
export function bypassed(graph: Graph, node: Node): Graph {
  const from = must(node.outputs[0], 'output');
  const to = must(node.inputs[0], 'input');
  const rename = (id: TensorId): TensorId => (id === from ? to : id);
  return withoutDeadTensors({
    ...graph,
    nodes: graph.nodes.filter((n) => n.id !== node.id).map((n) => ({ ...n, inputs: n.inputs.map(rename) })),
    outputs: graph.outputs.map((p) => ({ ...p, tensor: rename(p.tensor) })),
  });
}

/** An id that is not in the graph yet. */
export function freshTensorId(graph: Graph, base: string): TensorId {
  let id = base;
  for (let i = 1; graph.tensors.has(id); i++) id = `${base}.${i}`;
  return id;
}
