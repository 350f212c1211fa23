import { must } from '../core/must.ts';
import { GraphBuilder, tensorOf } from '../graph/build.ts';
import { printGraph } from '../graph/print.ts';
import { sameShape } from '../graph/shape.ts';
import type { Graph, Node, Op, Port, Shape, Tensor, TensorId } from '../graph/types.ts';
import { wantedView } from './nhwc-inputs.ts';
import {
  absorbIntoWeights,
  affineOnBase,
  argMaxOnBase,
  concatOnBase,
  padOnBase,
  sliceOnBase,
  softmaxOnBase,
} from './nhwc-operators.ts';
import type { Pass } from './pass.ts';
import {
  applyChain,
  axisBefore,
  type Chain,
  canonical,
  invert,
  invertFor,
  shapeAfter,
  simplify,
  transposesIn,
  type Viewed,
} from './views.ts';

/**
 * Makes the graph channels-last throughout.
 * Requires: spatial operators stand on channels-last tensors, between transposes (as their parsers write them).
 * Guarantees: the same function. Transposes and reshapes have moved down through elementwise operators, Concat, Pad,
 * Slice and Softmax until they met their inverse, a fully connected layer's weights, or an output, whose port views now hold
 * them; those at inputs are in the inputs' port views. What only moves axes of extent 1 is a reshape.
 */
export const nhwcLayout: Pass = {
  name: 'nhwc-layout',
  run(graph) {
    const after = new Layout(graph).run();
    // Weights only change together with the views that they absorb, so the printed form tells.
    return printGraph(after) === printGraph(graph) ? graph : after;
  },
};

class Layout {
  readonly #graph: Graph;
  readonly #builder: GraphBuilder;
  /** The old graph's tensors in the new one. */
  readonly #viewed = new Map<TensorId, Viewed>();
  /** Views that were written, by base tensor and chain: two consumers share them. */
  readonly #written = new Map<string, Tensor>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#builder = GraphBuilder.rebuild(graph);
  }

  run(): Graph {
    this.#builder.inputs.splice(0, Infinity, ...this.#graph.inputs.map((port) => this.#input(port)));
    for (const node of this.#graph.nodes) this.#viewed.set(must(node.outputs[0], 'output'), this.#visit(node));
    this.#builder.outputs.splice(0, Infinity, ...this.#graph.outputs.map((port) => this.#output(port)));
    return this.#builder.build();
  }

  /** An input takes the layout that its first layer wants. */
  #input(port: Port): Port {
    const tensor = tensorOf(this.#graph, port.tensor);
    // Not in canonical form: a transpose says where an axis of extent 1 went, a reshape does not.
    const chain = simplify(tensor.shape, wantedView(this.#graph, port.tensor) ?? []);
    const base = this.#retype(tensor.id, shapeAfter(tensor.shape, chain));
    this.#viewed.set(port.tensor, { base, chain: invert(tensor.shape, chain) });
    return { ...port, views: canonical(port.shape, [...port.views, ...chain]) };
  }

  #output(port: Port): Port {
    const { base, chain } = this.#view(port.tensor);
    return { ...port, tensor: base.id, views: canonical(base.shape, [...chain, ...port.views]) };
  }

  #view(id: TensorId): Viewed {
    const known = this.#viewed.get(id);
    return known ?? { base: tensorOf(this.#graph, id), chain: [] };
  }

  #visit(node: Node): Viewed {
    const { op } = node;
    const inputs = node.inputs.map((id) => this.#view(id));
    const x = must(inputs[0], `input of ${node.id}`);
    switch (op.kind) {
      case 'transpose':
      case 'reshape':
        return { base: x.base, chain: simplify(x.base.shape, [...x.chain, op]) };
      case 'unary':
      case 'fakeQuant':
        return this.#emit(node, op, [x.base], x.base.shape, x.chain);
      case 'add':
      case 'mul':
      case 'extremum':
        return this.#elementwise(node, inputs);
      case 'prelu':
        return this.#prelu(node, x);
      case 'argMax':
        return this.#onBase(node, inputs, argMaxOnBase(op, x));
      case 'slice':
        return this.#onBase(node, inputs, sliceOnBase(op, x));
      case 'concat':
        return this.#onBase(node, inputs, concatOnBase(op, inputs));
      case 'pad':
        return this.#onBase(node, inputs, padOnBase(op, x));
      case 'softmax':
        return this.#onBase(node, inputs, softmaxOnBase(op, x));
      case 'affine':
        return this.#affine(node, inputs);
      case 'fullyConnected':
        return this.#fullyConnected(node, inputs);
      case 'conv2d':
      case 'winograd':
      case 'maxPool':
      case 'averagePool':
      case 'depthToSpace':
      case 'spaceToDepth':
      case 'resize':
      case 'lrn':
      case 'diffuse':
        return this.#asWritten(node, inputs);
    }
  }

  /** The operator as it was, on inputs that are brought into the order that it expects. */
  #asWritten(node: Node, inputs: readonly Viewed[]): Viewed {
    const written = inputs.map((v) => this.#write(v, node));
    return this.#emit(node, node.op, written, tensorOf(this.#graph, node.outputs[0]!).shape, []);
  }

  #onBase(
    node: Node,
    inputs: readonly Viewed[],
    moved: { readonly op: Op; readonly shape: Shape; readonly chain: Chain } | undefined,
  ): Viewed {
    if (moved === undefined) return this.#asWritten(node, inputs);
    const bases = inputs.map((v) => v.base);
    return this.#emit(node, moved.op, bases, moved.shape, moved.chain);
  }

  /** On the layout of the operand of the result's shape that makes the other one move least. */
  #elementwise(node: Node, inputs: readonly Viewed[]): Viewed {
    const { shape } = tensorOf(this.#graph, node.outputs[0]!);
    const choices = inputs.flatMap((to, i) => {
      const from = must(inputs[1 - i], 'operand');
      if (!sameShape(shapeAfter(to.base.shape, to.chain), shape)) return [];
      const back = invertFor(to.base.shape, to.chain, shapeAfter(from.base.shape, from.chain));
      if (back === undefined) return [];
      const chain = [...from.chain, ...back];
      return [{ to, i, other: { base: from.base, chain }, moves: transposesIn(from.base.shape, chain) }];
    });
    const best = choices.toSorted((a, b) => a.moves - b.moves)[0];
    if (best === undefined) return this.#asWritten(node, inputs);
    const { to, i } = best;
    const other = this.#write(best.other, node);
    return this.#emit(node, node.op, i === 0 ? [to.base, other] : [other, to.base], to.base.shape, to.chain);
  }

  #prelu(node: Node, x: Viewed): Viewed {
    const last = shapeAfter(x.base.shape, x.chain).length - 1;
    const stays = axisBefore(x.base.shape, x.chain, last) === x.base.shape.length - 1;
    return stays ? this.#emit(node, node.op, [x.base], x.base.shape, x.chain) : this.#asWritten(node, [x]);
  }

  #affine(node: Node, inputs: readonly Viewed[]): Viewed {
    const [x, scale, shift] = inputs as [Viewed, Viewed, Viewed];
    const constants = affineOnBase(x, scale.base, shift.base);
    if (constants === undefined) return this.#asWritten(node, inputs);
    const added = constants.map((t) => (this.#builder.tensors.get(t.id) === t ? t : this.#addConstant(t)));
    return this.#emit(node, node.op, [x.base, ...added], x.base.shape, x.chain);
  }

  #fullyConnected(node: Node, inputs: readonly Viewed[]): Viewed {
    const [x, w, b] = inputs as [Viewed, Viewed, Viewed];
    const weights = absorbIntoWeights(x, w.base);
    if (weights === undefined) return this.#asWritten(node, inputs);
    const shape = shapeAfter(x.base.shape, x.chain);
    const rows = this.#write({ base: x.base, chain: [{ kind: 'reshape', shape }] }, node);
    const output = tensorOf(this.#graph, node.outputs[0]!);
    return this.#emit(node, node.op, [rows, this.#addConstant(weights), b.base], output.shape, []);
  }

  #addConstant(t: Tensor): Tensor {
    const id = this.#builder.constant(
      t.id,
      t.shape,
      must(t.data, t.id),
      t.quant === undefined ? {} : { quant: t.quant },
    );
    return must(this.#builder.tensors.get(id), id);
  }

  #emit(node: Node, op: Op, inputs: readonly Tensor[], shape: Shape, chain: Chain): Viewed {
    const base = this.#retype(must(node.outputs[0], 'output'), shape);
    this.#builder.nodes.push({ ...node, op, inputs: inputs.map((t) => t.id) });
    return { base, chain };
  }

  /** The tensor of the same name with the shape that it has in the new graph. */
  #retype(id: TensorId, shape: Shape): Tensor {
    const tensor = { ...tensorOf(this.#graph, id), shape };
    this.#builder.tensors.set(id, tensor);
    return tensor;
  }

  /** Writes the views that do not cancel. */
  #write(v: Viewed, consumer: Node): Tensor {
    let current = v.base;
    let path = current.id;
    for (const view of canonical(v.base.shape, v.chain)) {
      path += JSON.stringify(view);
      const known = this.#written.get(path);
      current = known ?? this.#writeView(current, view, consumer);
      this.#written.set(path, current);
    }
    return current;
  }

  #writeView(x: Tensor, view: Chain[number], consumer: Node): Tensor {
    if (x.data !== undefined) {
      const data = applyChain(x.data, x.shape, [view]);
      return this.#addConstant({ ...x, shape: shapeAfter(x.shape, [view]), data });
    }
    const id = this.#builder.freshId(`${x.id}.${view.kind}`);
    const tensor: Tensor = { ...x, id, shape: shapeAfter(x.shape, [view]) };
    this.#builder.addTensor(tensor);
    this.#builder.addNode(view, [x.id], [id], consumer.origin);
    return tensor;
  }
}
