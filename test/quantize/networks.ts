import { createRandom, type Random } from '../../src/core/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { GraphBuilder } from '../../src/graph/build.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Clamp, Conv2dOp, Graph, Op, Shape, TensorData, TensorId } from '../../src/graph/types.ts';
import { definitionOf } from '../../src/ops/index.ts';

export const relu: Clamp = { lo: 0, hi: Infinity };

/** A convolution that reads every position, its input padded alike on all sides. */
export function plainConv(padding: number, more: Partial<Conv2dOp> = {}): Conv2dOp {
  const pads = [padding, padding, padding, padding] as const;
  return { kind: 'conv2d', strides: [1, 1], pads, dilations: [1, 1], groups: 1, ...more };
}

/** Grows float graphs for tests; every layer is called after its place: `conv0`, `add3`, … */
export class Network {
  readonly builder: GraphBuilder;
  readonly random: Random;
  #count = 0;

  constructor(name: string, seed = 1) {
    this.builder = new GraphBuilder(name);
    this.random = createRandom(seed);
  }

  input(shape: Shape, name = 'x'): TensorId {
    const tensor = this.builder.addTensor({ id: name, shape, dtype: 'float32' });
    this.builder.inputs.push({ name, tensor, shape, views: [] });
    return tensor;
  }

  node(op: Op, inputs: readonly TensorId[], name = `${op.kind}${this.#count++}`): TensorId {
    const tensors = inputs.map((id) => this.builder.tensors.get(id)!);
    const draft = { id: '', op, inputs, outputs: [], origin: { name, opType: op.kind } };
    const shape = definitionOf(draft).infer(draft, tensors);
    const output = this.builder.addTensor({ id: this.builder.freshId(name), shape, dtype: 'float32' });
    this.builder.addNode(op, inputs, [output], draft.origin);
    return output;
  }

  constant(shape: Shape, spread: number): TensorId {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => this.random.normal() * spread);
    return this.data(shape, data);
  }

  data(shape: Shape, data: TensorData): TensorId {
    return this.builder.constant('c', shape, data);
  }

  /** A square convolution with padding that keeps the size at stride 1; weights of He's spread. */
  conv(x: TensorId, channels: number, kernel: number, more: Partial<Conv2dOp> = {}): TensorId {
    const groups = more.groups ?? 1;
    const perGroup = this.builder.tensors.get(x)!.shape[3]! / groups;
    const length = kernel * kernel * perGroup;
    const weights = this.constant([channels, kernel, kernel, perGroup], Math.sqrt(2 / length));
    const p = (kernel - 1) / 2;
    return this.node(plainConv(p, more), [x, weights, this.constant([channels], 0.1)]);
  }

  fullyConnected(x: TensorId, channels: number, clamp?: Clamp): TensorId {
    const length = this.builder.tensors.get(x)!.shape[1]!;
    const inputs = [x, this.constant([channels, length], Math.sqrt(2 / length)), this.constant([channels], 0.1)];
    return this.node({ kind: 'fullyConnected', ...(clamp === undefined ? {} : { clamp }) }, inputs);
  }

  /** Of each channel, over all positions. */
  globalMean(x: TensorId): TensorId {
    const [, height, width] = this.builder.tensors.get(x)!.shape as [number, number, number];
    const window = { kernel: [height, width], strides: [1, 1], pads: [0, 0, 0, 0], ceilExtra: [0, 0] } as const;
    return this.node({ kind: 'averagePool', ...window, countIncludePad: false }, [x]);
  }

  build(...outputs: readonly TensorId[]): Graph {
    for (const id of outputs) {
      this.builder.outputs.push({
        name: `${id}:out`,
        tensor: id,
        shape: this.builder.tensors.get(id)!.shape,
        views: [],
      });
    }
    return this.builder.build();
  }
}

/** One of everything that a quantized graph can hold, small enough for the plain reference. */
export function mixedNetwork(seed = 1): Graph {
  const n = new Network('mixed', seed);
  const stem = n.conv(n.input([1, 8, 8, 3]), 8, 3, { clamp: relu });
  const depthwise = n.conv(stem, 8, 3, { groups: 8, clamp: relu });
  const residual = n.node({ kind: 'add', clamp: relu }, [n.conv(depthwise, 8, 1), stem]);
  const pooled = n.node({ kind: 'maxPool', kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1] }, [
    residual,
  ]);
  const left = n.conv(pooled, 4, 1, { clamp: { lo: 0, hi: 6 } });
  const right = n.node({ kind: 'unary', fn: { name: 'hardSwish' } }, [n.conv(pooled, 12, 3, { groups: 2 })]);
  const joined = n.node({ kind: 'concat', axis: 3 }, [left, right]);
  const mean = n.globalMean(joined);
  const flat = n.node({ kind: 'reshape', shape: [1, 16] }, [mean]);
  const hidden = n.fullyConnected(flat, 10, relu);
  return n.build(n.node({ kind: 'softmax', axis: 1 }, [n.fullyConnected(hidden, 4)]));
}

/** `count` samples of noise for the graph's inputs, in their own order. */
export function noise(graph: Graph, count: number, seed = 7): Dataset {
  const [first, ...others] = graph.inputs.map(({ shape }, input) => {
    const sample = (i: number): Float32Array => {
      const random = createRandom(seed + 100 * input, i);
      return Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
    };
    return datasetOf(
      sizeOf(shape),
      Array.from({ length: count }, (_, i) => sample(i)),
    );
  });
  return others.length === 0 ? first! : { ...first!, others };
}

export function datasetOf(sampleSize: number, samples: readonly Float32Array[]): Dataset {
  return {
    count: samples.length,
    sampleSize,
    describe: `${samples.length} samples of a test`,
    batch(from, to) {
      const values = new Float32Array((to - from) * sampleSize);
      for (let i = from; i < to; i++) values.set(samples[i]!, (i - from) * sampleSize);
      return values;
    },
  };
}
