import type { TensorData } from '../graph/types.ts';
import type { FoldedTensor } from './folded-tensor.ts';
import type { AttributeValue, ModelNode } from './model.ts';

/**
 * Operators on integers (QLinear*, QGemm) as what they mean: DequantizeLinear, the float operator, QuantizeLinear. From there
 * on they are like any other quantized network.
 */
export interface Lowered {
  readonly nodes: readonly ModelNode[];
  /** Constants that the nodes read, by name. */
  readonly constants: ReadonlyMap<string, FoldedTensor>;
  /** The opset of the float operator where it is not the model's. */
  readonly opset?: number;
}

/** The integer operators that are read, by name; the same in the default domain and in com.microsoft. */
const lowerings: Readonly<Record<string, (low: Lowering) => void>> = {
  QLinearConv: (low) => {
    const [x, w] = [low.dequantized('x', 0), low.dequantized('w', 3, 0)];
    low.compute('Conv', low.has(8) ? [x, w, low.bias('B', 8, 1, 4)] : [x, w], 6);
  },
  QLinearMatMul: (low) => low.compute('MatMul', [low.dequantized('a', 0), low.dequantized('b', 3, -1)], 6),
  QGemm: (low) => {
    const transposed = low.attribute('transB') === 1;
    const operands = [low.dequantized('A', 0), low.dequantized('B', 3, transposed ? 0 : 1)];
    low.compute('Gemm', low.has(6) ? [...operands, low.bias('C', 6, 1, 4)] : operands, 7);
  },
  QLinearAdd: (low) => low.compute('Add', [low.dequantized('A', 0), low.dequantized('B', 3)], 6),
  QLinearMul: (low) => low.compute('Mul', [low.dequantized('A', 0), low.dequantized('B', 3)], 6),
  QLinearSigmoid: (low) => low.compute('Sigmoid', [low.dequantized('X', 0)], 3),
  QLinearLeakyRelu: (low) => low.compute('LeakyRelu', [low.dequantized('X', 0)], 3),
  QLinearSoftmax: (low) => low.compute('Softmax', [low.dequantized('X', 0)], 3),
  QLinearAveragePool: (low) => low.compute('AveragePool', [low.dequantized('X', 0)], 3),
  QLinearGlobalAveragePool: (low) => low.compute('GlobalAveragePool', [low.dequantized('X', 0)], 3),
  QLinearConcat: (low) => {
    const parts: string[] = [];
    for (let i = 2; i < low.node.inputs.length; i += 3) parts.push(low.dequantized(`part${parts.length}`, i));
    low.compute('Concat', parts, 0);
  },
};

/** Names of the integer operators that `lower` knows. */
export const qlinearOperators: readonly string[] = Object.keys(lowerings);

/** True for the integer operators that `lower` knows. */
export function isQLinear({ opType, domain }: Pick<ModelNode, 'opType' | 'domain'>): boolean {
  return (domain === '' || domain === 'com.microsoft') && Object.hasOwn(lowerings, opType);
}

/**
 * @param constants what is known at import
 * @param rank of a value, for operators in channels-last form
 */
export function lower(
  node: ModelNode,
  constants: ReadonlyMap<string, FoldedTensor>,
  rank: (name: string) => number,
): Lowered {
  const low = new Lowering(node, constants, rank);
  lowerings[node.opType]!(low);
  const opset = low.attribute('opset');
  return { nodes: low.nodes, constants: low.constants, ...(opset !== undefined && { opset }) };
}

class Lowering {
  readonly node: ModelNode;
  readonly nodes: ModelNode[] = [];
  readonly constants = new Map<string, FoldedTensor>();
  readonly #known: ReadonlyMap<string, FoldedTensor>;
  readonly #rank: (name: string) => number;

  constructor(node: ModelNode, known: ReadonlyMap<string, FoldedTensor>, rank: (name: string) => number) {
    this.node = node;
    this.#known = known;
    this.#rank = rank;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? '') !== '';
  }

  attribute(name: string): number | undefined {
    const attribute = this.node.attributes.get(name);
    return attribute?.type === 'int' ? attribute.value : undefined;
  }

  /** The real values of inputs `index` (integers), `index + 1` (scale) and `index + 2` (zero point). */
  dequantized(name: string, index: number, axis?: number): string {
    const inputs = this.node.inputs.slice(index, index + 3);
    const attributes = new Map<string, AttributeValue>();
    if (axis !== undefined) attributes.set('axis', { type: 'int', value: axis });
    return this.#add('DequantizeLinear', inputs, name, attributes);
  }

  /** The real values of an int32 bias, whose scale is that of the input times that of the weights. */
  bias(name: string, index: number, inputScale: number, weightScale: number): string {
    const [x, w] = [inputScale, weightScale].map((i) => this.#known.get(this.node.inputs[i] ?? '')?.data ?? []) as [
      TensorData,
      TensorData,
    ];
    const data = Float32Array.from(w, (s) => s * x[0]!);
    const scale = this.#name(`${name}.scale`);
    this.constants.set(scale, { shape: data.length === 1 ? [] : [data.length], dtype: 'float32', data });
    return this.#add('DequantizeLinear', [this.node.inputs[index]!, scale], name, axisZero);
  }

  /** The float operator, in channels-first order, and the rounding with the scale at input `scale`. */
  compute(opType: string, inputs: readonly string[], scale: number): void {
    const { attributes } = this.node;
    const last = this.attribute('channels_last') === 1 ? this.#rank(this.node.inputs[0]!) : undefined;
    const transposed = (input: string, name: string, perm: readonly number[]) =>
      this.#add('Transpose', [input], name, new Map([['perm', { type: 'ints', value: perm }]]));
    const first = last === undefined ? [] : [0, last - 1, ...Array.from({ length: last - 2 }, (_, i) => i + 1)];
    const operands = last === undefined ? inputs : inputs.map((name) => transposed(name, `${name}.first`, first));
    let y = this.#add(opType, operands, 'real', new Map(attributes));
    if (last !== undefined) {
      y = transposed(y, 'last', [0, ...Array.from({ length: last - 2 }, (_, i) => i + 2), 1]);
    }
    const parameters = this.node.inputs.slice(scale, scale + 2);
    this.nodes.push({ ...this.node, opType: 'QuantizeLinear', domain: '', inputs: [y, ...parameters] });
  }

  #add(opType: string, inputs: readonly string[], name: string, attributes: ModelNode['attributes']): string {
    const output = this.#name(name);
    this.nodes.push({ name: this.node.name, opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  /** Nodes yield each name once, so a part of one is enough to tell them apart. */
  #name(name: string): string {
    return `${this.node.outputs[0]}#${name}`;
  }
}

const axisZero: ModelNode['attributes'] = new Map([['axis', { type: 'int', value: 0 }]]);
