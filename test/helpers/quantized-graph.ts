import { createRandom } from '../../src/core/random.ts';
import { GraphBuilder, inputsOf, outputOf, tensorOf } from '../../src/graph/build.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, Node, Op, QuantParams, Shape, TensorId } from '../../src/graph/types.ts';
import { definitionOf } from '../../src/ops/index.ts';
import { rangeOfSteps } from '../../src/quantize/steps/clipping.ts';

/** int8 with all of its 256 steps. */
export function quant(scale: number, zeroPoint: number): QuantParams {
  return { scale: [Math.fround(scale)], zeroPoint, qmin: -128, qmax: 127 };
}

export const someQuant = quant(0.05, -3);

/** As many steps of 1, their integers around 0; the zero point is the lowest of them, or above it. */
export function narrowGrid(steps: number, aboveLowest = 0): QuantParams {
  const { qmin, qmax } = rangeOfSteps(steps);
  return { scale: [1], zeroPoint: qmin + aboveLowest, qmin, qmax };
}

/** Builds quantized graphs of few nodes, shapes inferred. */
export class QuantizedGraphBuilder {
  readonly #builder: GraphBuilder;
  #count = 0;

  constructor(name: string) {
    this.#builder = new GraphBuilder(name);
  }

  input(shape: Shape, q: QuantParams = someQuant): TensorId {
    const index = this.#builder.inputs.length;
    const id = this.#builder.addTensor({ id: `x${index}`, shape, dtype: 'int8', quant: q });
    this.#builder.inputs.push({ name: `input${index}`, tensor: id, shape, views: [] });
    return id;
  }

  constant(shape: Shape, data: Int8Array | Int32Array, q?: QuantParams): TensorId {
    return this.#builder.constant('constant', shape, data, q === undefined ? {} : { quant: q });
  }

  node(op: Op, inputs: readonly TensorId[], q: QuantParams = someQuant): TensorId {
    const id = `t${++this.#count}`;
    const origin = { name: `${op.kind}_${this.#count}`, opType: op.kind };
    const tensors = inputs.map((input) => this.#builder.tensors.get(input)!);
    const shape = definitionOf({ op } as Node).infer({ id, op, inputs, outputs: [id], origin }, tensors);
    this.#builder.addTensor({ id, shape, dtype: 'int8', quant: q });
    this.#builder.addNode(op, inputs, [id], origin);
    return id;
  }

  output(tensor: TensorId): void {
    const { shape } = this.#builder.tensors.get(tensor)!;
    this.#builder.outputs.push({ name: `output${this.#builder.outputs.length}`, tensor, shape, views: [] });
  }

  shapeOf(tensor: TensorId): Shape {
    return this.#builder.tensors.get(tensor)!.shape;
  }

  build(): Graph {
    return this.#builder.build();
  }
}

/** The value of every activation by the operators' integer meaning. */
export function evaluate(graph: Graph, inputs: readonly Int8Array[]): ReadonlyMap<TensorId, Int8Array> {
  const values = new Map(graph.inputs.map((port, i) => [port.tensor, inputs[i]!]));
  for (const node of graph.nodes) {
    const { integer } = definitionOf(node);
    if (integer === undefined) throw new Error(`${node.op.kind} has no integer meaning`);
    const lookUp = (id: TensorId) => values.get(id) ?? (tensorOf(graph, id).data as Int8Array);
    const io = { inputs: inputsOf(graph, node), values: node.inputs.map(lookUp), output: outputOf(graph, node) };
    values.set(io.output.id, integer(node, io));
  }
  return values;
}

/** Inputs with every value of their range, both ends often. */
export function randomInputs(graph: Graph, seed: number): Int8Array[] {
  return graph.inputs.map(({ tensor }, i) => {
    const random = createRandom(seed, i);
    const { shape, quant: q } = tensorOf(graph, tensor);
    const [lo, hi] = [q!.qmin, q!.qmax];
    const pick = () => [random.int(lo, hi), random.int(lo, hi), lo, hi][random.int(0, 3)]!;
    return Int8Array.from({ length: sizeOf(shape) }, pick);
  });
}
