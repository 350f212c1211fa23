import { invariant } from '../../core/diagnostics.ts';
import { must } from '../../core/must.ts';
import { outputOf, tensorOf } from '../../graph/build.ts';
import { singleNodeGraph } from '../../graph/part.ts';
import type { AccumulatorModel, Graph, Node, Shape, Tensor } from '../../graph/types.ts';
import { createFloatEvaluator } from '../../interpret/float.ts';
import { isReductionNode, type ReductionNode } from '../../proof/certify.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';

/** What the accumulators of a layer hold at their ends on some samples; all indices are `channel · accumulators + accumulator`. */
export interface SumStatistics {
  /** Accumulators of a channel: segments × lanes, `segment · lanes + lane`. */
  readonly accumulators: number;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  readonly mean: Float64Array;
}

export interface ProbedLayer {
  /** Holds the node and the shapes of its tensors. */
  readonly graph: Graph;
  /** A convolution or a fully connected layer; throws `invariant` for others, whose sums are always proven. */
  readonly node: Node;
  readonly model: AccumulatorModel;
  /** channels × length: integers or real. */
  readonly weights: ArrayLike<number>;
}

/**
 * A layer's sums, one by one: on ONNX Runtime, as a layer with an output channel for each accumulator, whose weights are those of the
 * accumulator's products and 0 elsewhere. Sums of integers are exact.
 */
export interface Probe {
  /** @param x the layer's input less its zero point, sample after sample; @returns the statistics of each sample */
  run(x: Float32Array, count: number): Promise<SumStatistics[]>;
  release(): Promise<void>;
}

/** Samples a run: their sums, several times a layer's output, are in memory at once. */
const BATCH = 4;

export async function createProbe(layer: ProbedLayer): Promise<Probe> {
  const { graph, node, model } = layer;
  if (!isReductionNode(node)) throw invariant(`${node.op.kind} has no sums to measure`, node.id);
  const channels = tensorOf(graph, node.inputs[1]!).shape[0]!;
  const accumulators = model.segments.length * model.lanes;
  const split = splitLayer(layer, node, channels, accumulators);
  const evaluator = await createFloatEvaluator(split.graph);
  const statistics = (sums: Float32Array): SumStatistics => summarize(sums, split.slots, accumulators);
  return {
    async run(x, count) {
      const all: SumStatistics[] = [];
      const size = x.length / count;
      for (let from = 0; from < count; from += BATCH) {
        const taken = Math.min(BATCH, count - from);
        const results = await evaluator.run(x.subarray(from * size, (from + taken) * size), taken);
        const sums = must(results.get(split.output), split.output);
        const each = sums.length / taken;
        for (let i = 0; i < taken; i++) all.push(statistics(sums.subarray(i * each, (i + 1) * each)));
      }
      return all;
    },
    release: evaluator.release,
  };
}

interface SplitLayer {
  readonly graph: Graph;
  readonly output: string;
  /** For each of its channels: `channel · accumulators + accumulator` of the layer. */
  readonly slots: Int32Array;
}

function splitLayer(
  { graph, model, weights }: ProbedLayer,
  node: ReductionNode,
  channels: number,
  accumulators: number,
): SplitLayer {
  const [x, w, y] = [tensorOf(graph, node.inputs[0]!), tensorOf(graph, node.inputs[1]!), outputOf(graph, node)];
  const groups = node.op.kind === 'conv2d' ? node.op.groups : 1;
  const slots = slotsOf(channels, accumulators, groups);
  const length = weights.length / channels;
  const owner = accumulatorOfProduct(model, length);
  const data = new Float32Array(slots.length * length);
  slots.forEach((slot, channel) => {
    const [o, accumulator] = [Math.floor(slot / accumulators), slot % accumulators];
    for (let k = 0; k < length; k++) {
      if (owner[k] === accumulator) data[channel * length + k] = weights[o * length + k]!;
    }
  });
  const float = (id: string, shape: Shape, values?: Float32Array): Tensor => ({
    id,
    shape,
    dtype: 'float32',
    ...(values && { data: values }),
  });
  const tensors = [
    float('x', x.shape),
    float('w', [slots.length, ...w.shape.slice(1)], data),
    float('b', [slots.length], new Float32Array(slots.length)),
    float('y', [...y.shape.slice(0, -1), slots.length]),
  ];
  const { clamp: _, integer: __, ...op } = node.op;
  const plain = { ...node, op, inputs: ['x', 'w', 'b'], outputs: ['y'] } as Node;
  const whole = { ...graph, nodes: [plain], inputs: [], outputs: [], tensors: new Map(tensors.map((t) => [t.id, t])) };
  return { graph: singleNodeGraph(whole, plain), output: 'y', slots };
}

/** Channels of a group stay together, as grouped convolutions have them. */
function slotsOf(channels: number, accumulators: number, groups: number): Int32Array {
  const perGroup = channels / groups;
  return Int32Array.from({ length: channels * accumulators }, (_, i) => {
    const group = Math.floor(i / (perGroup * accumulators));
    const inGroup = i % (perGroup * accumulators);
    return (group * perGroup + (inGroup % perGroup)) * accumulators + Math.floor(inGroup / perGroup);
  });
}

/** @param sums one sample's, channels last */
function summarize(sums: Float32Array, slots: Int32Array, accumulators: number): SumStatistics {
  const lo = new Float64Array(slots.length).fill(Infinity);
  const hi = new Float64Array(slots.length).fill(-Infinity);
  const mean = new Float64Array(slots.length);
  for (let i = 0, channel = 0; i < sums.length; i++, channel = channel + 1 === slots.length ? 0 : channel + 1) {
    const [slot, sum] = [slots[channel]!, sums[i]!];
    if (sum < lo[slot]!) lo[slot] = sum;
    if (sum > hi[slot]!) hi[slot] = sum;
    mean[slot]! += sum;
  }
  const positions = sums.length / slots.length;
  return { accumulators, lo, hi, mean: mean.map((sum) => sum / positions) };
}

/** Of all samples together. */
export function mergeStatistics(samples: readonly SumStatistics[]): SumStatistics {
  const { accumulators, lo: first } = must(samples[0], 'a sample');
  const lo = new Float64Array(first.length).fill(Infinity);
  const hi = new Float64Array(first.length).fill(-Infinity);
  const mean = new Float64Array(first.length);
  for (const sample of samples) {
    for (let i = 0; i < lo.length; i++) {
      lo[i] = Math.min(lo[i]!, sample.lo[i]!);
      hi[i] = Math.max(hi[i]!, sample.hi[i]!);
      mean[i]! += sample.mean[i]! / samples.length;
    }
  }
  return { accumulators, lo, hi, mean };
}
