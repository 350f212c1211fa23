import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type {
  Graph,
  Node,
  NodeId,
  Op,
  OpKind,
  OpOf,
  Origin,
  Port,
  Shape,
  Tensor,
  TensorData,
  TensorId,
} from './types.ts';

export function tensorOf(graph: Graph, id: TensorId): Tensor {
  return must(graph.tensors.get(id), `tensor ${id}`);
}

/** The node's inputs as tensors. */
export function inputsOf(graph: Graph, node: Node): Tensor[] {
  return node.inputs.map((id) => tensorOf(graph, id));
}

/** The tensor of a node with one output. */
export function outputOf(graph: Graph, node: Node): Tensor {
  return tensorOf(graph, must(node.outputs[0], `output of ${node.id}`));
}

export function isKind<K extends OpKind>(node: Node, kind: K): node is Node<OpOf<K>> {
  return node.op.kind === kind;
}

export function producerOf(graph: Graph, id: TensorId): Node | undefined {
  return graph.nodes.find((n) => n.outputs.includes(id));
}

export function consumersOf(graph: Graph, id: TensorId): Node[] {
  return graph.nodes.filter((n) => n.inputs.includes(id));
}

/** True where a node behind the one at `index` reads the tensor. */
export function isReadAfter(graph: Graph, id: TensorId, index: number): boolean {
  return graph.nodes.findLastIndex((n) => n.inputs.includes(id)) > index;
}

export function isGraphOutput(graph: Graph, id: TensorId): boolean {
  return graph.outputs.some((p) => p.tensor === id);
}

/** The tensors that the graph gives, each once. */
export function outputIds(graph: Graph): TensorId[] {
  return [...new Set(graph.outputs.map((p) => p.tensor))];
}

/** The tensor that a softmax makes the output of; the output itself where none does. */
export function logitsOf(graph: Graph, output: TensorId): TensorId {
  const producer = producerOf(graph, output);
  return producer?.op.kind === 'softmax' ? must(producer.inputs[0], 'input') : output;
}

/** Grows a graph; the only mutable form, used by the importer and by passes. */
export class GraphBuilder {
  readonly tensors = new Map<TensorId, Tensor>();
  readonly nodes: Node[] = [];
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];
  readonly name: string;
  readonly #ids = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** A builder that starts with the graph's ports and tensors (not its nodes), for passes that re-emit the nodes. */
  static rebuild(graph: Graph): GraphBuilder {
    const b = new GraphBuilder(graph.name);
    for (const [id, t] of graph.tensors) b.tensors.set(id, t);
    for (const id of graph.tensors.keys()) b.#ids.add(id);
    for (const n of graph.nodes) b.#ids.add(n.id);
    b.inputs.push(...graph.inputs);
    b.outputs.push(...graph.outputs);
    return b;
  }

  /** An id that nothing has yet: `base`, or `base.1`, `base.2`, … */
  freshId(base: string): string {
    let id = base;
    for (let i = 1; this.#ids.has(id); i++) id = `${base}.${i}`;
    this.#ids.add(id);
    return id;
  }

  addTensor(tensor: Tensor): TensorId {
    if (this.tensors.has(tensor.id)) throw invariant(`tensor ${tensor.id} exists already`);
    this.#ids.add(tensor.id);
    this.tensors.set(tensor.id, tensor);
    return tensor.id;
  }

  constant(base: string, shape: Shape, data: TensorData, extra: Pick<Tensor, 'quant'> = {}): TensorId {
    return this.addTensor({ id: this.freshId(base), shape, dtype: dtypeOf(data), data, ...extra });
  }

  addNode<O extends Op>(op: O, inputs: readonly TensorId[], outputs: readonly TensorId[], origin: Origin): NodeId {
    const id = this.freshId(`${op.kind}:${outputs[0] ?? ''}`);
    this.nodes.push({ id, op, inputs, outputs, origin });
    return id;
  }

  build(): Graph {
    return withoutDeadTensors({
      name: this.name,
      inputs: [...this.inputs],
      outputs: [...this.outputs],
      nodes: [...this.nodes],
      tensors: this.tensors,
    });
  }
}

/** int64 data is a Float64Array (see DType). */
export function dtypeOf(data: TensorData): Tensor['dtype'] {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int32Array) return 'int32';
  return 'int64';
}

/** Drops the tensors that no node and no port mentions. */
export function withoutDeadTensors(graph: Graph): Graph {
  const used = new Set<TensorId>([...graph.inputs, ...graph.outputs].map((p) => p.tensor));
  for (const n of graph.nodes) for (const id of [...n.inputs, ...n.outputs]) used.add(id);
  return { ...graph, tensors: new Map([...graph.tensors].filter(([id]) => used.has(id))) };
}

/** The graph with some tensors replaced by others of the same id. */
export function withTensors(graph: Graph, replaced: Iterable<Tensor>): Graph {
  const tensors = new Map(graph.tensors);
  for (const t of replaced) {
    if (!tensors.has(t.id)) throw invariant(`tensor ${t.id} is not in the graph`);
    tensors.set(t.id, t);
  }
  return { ...graph, tensors };
}
