import { createRandom, type Random } from '../../src/core/random.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Shape } from '../../src/graph/types.ts';
import type { AttributeValue, ModelNode, SourceModel, SourceTensor } from '../../src/onnx/model.ts';

/** A value of the network that grows, with its ONNX shape (N×C×H×W for images). */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
}

export type Activation = 'relu' | 'relu6' | 'hardSwish' | 'swish' | 'leakyRelu' | 'none';

export interface ConvOptions {
  readonly channels: number;
  readonly kernel?: number | readonly [number, number];
  readonly stride?: number;
  /** On each side; half of the kernel where absent. */
  readonly pad?: number;
  readonly groups?: number;
  /** BatchNormalization behind it instead of a bias; true where absent. */
  readonly norm?: boolean;
  readonly activation?: Activation;
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  readonly pad?: number;
  readonly ceil?: boolean;
}

type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;

/**
 * Writes a network as a framework's exporter does, operator by operator, BatchNormalization not folded. Weights are random,
 * the same for the same seed, and scaled so that every layer's output has a variance of about one: a network of the right
 * architecture, for everything but accuracy.
 */
export class NetworkWriter {
  readonly #nodes: ModelNode[] = [];
  readonly #initializers = new Map<string, SourceTensor>();
  readonly #inputs: Value[] = [];
  readonly #random: Random;
  readonly #counts = new Map<string, number>();

  readonly name: string;

  constructor(name: string, seed = 1) {
    this.name = name;
    this.#random = createRandom(seed);
  }

  input(name: string, shape: Shape): Value {
    const value = { name, shape };
    this.#inputs.push(value);
    return value;
  }

  /** Any operator with one output. */
  node(op: string, inputs: readonly (Value | string)[], shape: Shape, attributes: Attributes = {}): Value {
    return this.nodes(op, inputs, [shape], attributes)[0]!;
  }

  /** Any operator. */
  nodes(
    op: string,
    inputs: readonly (Value | string)[],
    shapes: readonly Shape[],
    attributes: Attributes = {},
  ): Value[] {
    const name = this.#fresh(op.toLowerCase());
    const outputs = shapes.map((_, i) => (shapes.length === 1 ? `${name}_out` : `${name}_out${i}`));
    const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const);
    this.#nodes.push({
      ...{ name, opType: op, domain: '', outputs, attributes: new Map(entries) },
      inputs: inputs.map((input) => (typeof input === 'string' ? input : input.name)),
    });
    return outputs.map((output, i) => ({ name: output, shape: shapes[i]! }));
  }

  constant(base: string, shape: Shape, data: Float32Array | Float64Array): string {
    const name = this.#fresh(base);
    this.#initializers.set(name, { shape, dtype: data instanceof Float32Array ? 'float32' : 'int64', data });
    return name;
  }

  ints(base: string, ...values: readonly number[]): string {
    return this.constant(base, [values.length], Float64Array.from(values));
  }

  /** Random values around `mean`. */
  weights(base: string, shape: Shape, deviation: number, mean = 0): string {
    const r = this.#random;
    // The sum of four uniform numbers, of variance 1/3: close to normal, and cheap for the 10^8 weights of VGG.
    const data = new Float32Array(sizeOf(shape));
    const factor = deviation * Math.sqrt(3);
    for (let i = 0; i < data.length; i++) data[i] = mean + factor * (r.float() + r.float() + r.float() + r.float() - 2);
    return this.constant(base, shape, data);
  }

  conv(x: Value, options: ConvOptions): Value {
    const { channels, stride = 1, groups = 1, norm = true, activation = norm ? 'relu' : 'none' } = options;
    const kernel = typeof options.kernel === 'object' ? options.kernel : [options.kernel ?? 1, options.kernel ?? 1];
    const [n, c, ...extent] = x.shape as [number, number, ...number[]];
    const pads = kernel.map((k) => options.pad ?? (k - 1) / 2).slice(0, extent.length);
    const perGroup = c / groups;
    const shape = [channels, perGroup, ...kernel.slice(0, extent.length)];
    const w = this.weights('weight', shape, Math.sqrt(2 / (perGroup * sizeOf(shape.slice(2)))));
    const inputs = [x, w, ...(norm ? [] : [this.weights('bias', [channels], 0.1)])];
    const out = extent.map((d, i) => Math.floor((d + 2 * pads[i]! - shape[i + 2]!) / stride) + 1);
    const y = this.node('Conv', inputs, [n, channels, ...out], {
      kernel_shape: shape.slice(2),
      strides: extent.map(() => stride),
      pads: [...pads, ...pads],
      group: groups,
    });
    return this.activate(norm ? this.batchNorm(y) : y, activation);
  }

  depthwise(x: Value, options: Omit<ConvOptions, 'channels' | 'groups'>): Value {
    return this.conv(x, { ...options, channels: x.shape[1]!, groups: x.shape[1]! });
  }

  batchNorm(x: Value, scale = 1): Value {
    const shape = [x.shape[1]!];
    const parameters = [
      this.weights('gamma', shape, 0.1 * scale, scale),
      this.weights('beta', shape, 0.1),
      this.weights('mean', shape, 0.1),
      this.weights('variance', shape, 0.05, 1),
    ];
    return this.node('BatchNormalization', [x, ...parameters], x.shape);
  }

  activate(x: Value, activation: Activation): Value {
    switch (activation) {
      case 'none':
        return x;
      case 'relu':
        return this.node('Relu', [x], x.shape);
      case 'relu6':
        return this.node('Clip', [x, this.#scalar('zero', 0), this.#scalar('six', 6)], x.shape);
      case 'hardSwish':
        return this.node('HardSwish', [x], x.shape);
      case 'swish':
        return this.node('Mul', [x, this.sigmoid(x)], x.shape);
      case 'leakyRelu':
        return this.node('LeakyRelu', [x], x.shape, { alpha: { float: 0.1 } });
    }
  }

  sigmoid(x: Value): Value {
    return this.node('Sigmoid', [x], x.shape);
  }

  add(a: Value, b: Value): Value {
    return this.node('Add', [a, b], a.shape);
  }

  concat(parts: readonly Value[], axis = 1): Value {
    const extent = parts.reduce((sum, p) => sum + p.shape[axis]!, 0);
    const shape = parts[0]!.shape.map((d, i) => (i === axis ? extent : d));
    return this.node('Concat', parts, shape, { axis });
  }

  maxPool(x: Value, options: PoolOptions): Value {
    return this.#pool('MaxPool', x, options);
  }

  averagePool(x: Value, options: PoolOptions): Value {
    return this.#pool('AveragePool', x, options);
  }

  globalPool(x: Value): Value {
    return this.node('GlobalAveragePool', [x], [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]);
  }

  reshape(x: Value, shape: Shape): Value {
    return this.node('Reshape', [x, this.ints('shape', ...shape)], shape);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => x.shape[axis]!);
    return this.node('Transpose', [x], shape, { perm });
  }

  flatten(x: Value): Value {
    return this.node('Flatten', [x], [x.shape[0]!, sizeOf(x.shape.slice(1))], { axis: 1 });
  }

  dense(x: Value, channels: number, activation: Activation = 'none'): Value {
    const [n, c] = x.shape as [number, number];
    const w = this.weights('weight', [channels, c], Math.sqrt(2 / c));
    const y = this.node('Gemm', [x, w, this.weights('bias', [channels], 0.1)], [n, channels], { transB: 1 });
    return this.activate(y, activation);
  }

  softmax(x: Value): Value {
    return this.node('Softmax', [x], x.shape, { axis: x.shape.length - 1 });
  }

  /** @param rename names of the outputs */
  build(outputs: Readonly<Record<string, Value>>): SourceModel {
    const names = new Map(Object.entries(outputs).map(([name, value]) => [value.name, name]));
    const renamed = (name: string) => names.get(name) ?? name;
    const info = (name: string, shape: Shape) => ({ name, dtype: 'float32' as const, elementType: 'float', shape });
    return {
      graphName: this.name,
      producer: 'neonarrow-networks',
      opsets: new Map([['', 17]]),
      metadata: new Map(),
      inputs: this.#inputs.map(({ name, shape }) => info(name, shape)),
      outputs: Object.entries(outputs).map(([name, { shape }]) => info(name, shape)),
      initializers: this.#initializers,
      nodes: this.#nodes.map((n) => ({ ...n, inputs: n.inputs.map(renamed), outputs: n.outputs.map(renamed) })),
    };
  }

  #pool(op: string, x: Value, { kernel, stride, pad = 0, ceil = false }: PoolOptions): Value {
    const round = ceil ? Math.ceil : Math.floor;
    const extent = x.shape.slice(2).map((d) => round((d + 2 * pad - kernel) / stride) + 1);
    const all = (value: number) => extent.map(() => value);
    return this.node(op, [x], [...x.shape.slice(0, 2), ...extent], {
      kernel_shape: all(kernel),
      strides: all(stride),
      pads: [...all(pad), ...all(pad)],
      ceil_mode: ceil ? 1 : 0,
    });
  }

  #scalar(base: string, value: number): string {
    return this.constant(base, [], Float32Array.of(value));
  }

  #fresh(base: string): string {
    const count = this.#counts.get(base) ?? 0;
    this.#counts.set(base, count + 1);
    return `${base}${count}`;
  }
}

function attributeOf(value: Attributes[string]): AttributeValue {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  return 'float' in value ? { type: 'float', value: value.float } : { type: 'ints', value };
}

/** Channels times a width multiplier, a multiple of 8. */
export function scaled(channels: number, width: number): number {
  return Math.max(8, Math.round((channels * width) / 8) * 8);
}
