import { must } from '../../core/must.ts';
import { GraphBuilder, inputsOf, isGraphOutput, isKind, outputOf, tensorOf } from '../../graph/build.ts';
import type { Graph, Node, Tensor, TensorId } from '../../graph/types.ts';
import { isReductionNode, type ReductionNode } from '../../proof/certify.ts';

/** Factors stay within this and its inverse. */
const LARGEST_FACTOR = 64;
const ITERATIONS = 40;

/** E[x²] of each channel (the last axis) of an activation. */
export type ChannelPowers = ReadonlyMap<TensorId, Float64Array>;

/** @param values activations, sample after sample, channels last */
export function channelPowers(graph: Graph, values: ReadonlyMap<TensorId, Float32Array>): ChannelPowers {
  return new Map([...values].map(([id, v]) => [id, powersOf(v, tensorOf(graph, id).shape.at(-1) ?? 1)]));
}

function powersOf(values: Float32Array, channels: number): Float64Array {
  const powers = new Float64Array(channels);
  for (let i = 0, c = 0; i < values.length; i++, c = c + 1 === channels ? 0 : c + 1) powers[c]! += values[i]! ** 2;
  return powers.map((sum) => (sum * channels) / values.length);
}

/**
 * Equalizes channels across layers: channel c of an activation times t_c, in the layers that write it, and the weights that
 * read it divided by t_c. The network computes the same; what changes is how one step for all channels of an activation
 * and one budget Σ|q| for all products of an output divide among them.
 *
 * With R ∝ √(Σ t²·E[x²]) the range of the data, w the weights of an output, b and P the bits of data and accumulator, the
 * noise of rounding the data goes with R²·Σ(w/t)² / 4^b, that of rounding the weights with (Σ|w/t|)²·Σ t²·E[x²] · 4^(b − P), since
 * filling the budget makes the scale Σ|w/t| / 2^(P − b). At the best b both are equal, and go with the root of their product: what
 * `factorsOf` makes least, over the outputs of all layers that read the activation.
 * @param graph after the passes for float graphs
 */
export function equalize(graph: Graph, powers: ChannelPowers): Graph {
  return channelClasses(graph).reduce((g, members) => {
    const t = factorsOf(g, members, powers);
    return t === undefined ? g : scaled(g, members, t);
  }, graph);
}

/** Activations whose channels must have the same factors, where all that touches them can bear factors. */
function channelClasses(graph: Graph): TensorId[][] {
  const parent = new Map<TensorId, TensorId>();
  const find = (id: TensorId): TensorId => {
    const up = parent.get(id) ?? id;
    return up === id ? id : find(up);
  };
  const carriers = graph.nodes.filter((n) => carriesFactors(graph, n));
  for (const n of carriers) for (const id of n.inputs) parent.set(find(id), find(n.outputs[0]!));
  const classes = new Map<TensorId, TensorId[]>();
  for (const n of graph.nodes) {
    const root = find(n.outputs[0]!);
    classes.set(root, [...(classes.get(root) ?? []), n.outputs[0]!]);
  }
  return [...classes.values()].filter((ids) => ids.every((id) => isFree(graph, id)));
}

/** True for operators that give factors of their inputs' channels on to the same channels of their output. */
function carriesFactors(graph: Graph, node: Node): boolean {
  const { op } = node;
  switch (op.kind) {
    case 'maxPool':
      return true;
    case 'averagePool':
      return isScalable(op.clamp);
    case 'add':
      return isScalable(op.clamp) && inputsOf(graph, node).every((t) => t.data === undefined);
    case 'unary':
      return op.fn.name === 'identity' || op.fn.name === 'leakyRelu' || (op.fn.name === 'clip' && isScalable(op.fn));
    case 'reshape':
      return inputsOf(graph, node)[0]!.shape.at(-1) === outputOf(graph, node).shape.at(-1);
    default:
      return false;
  }
}

function isScalable(clamp: { readonly lo: number; readonly hi: number } | undefined): boolean {
  return clamp === undefined || [clamp.lo, clamp.hi].every((bound) => bound === 0 || !Number.isFinite(bound));
}

function isFree(graph: Graph, id: TensorId): boolean {
  if (isGraphOutput(graph, id)) return false;
  const producer = must(
    graph.nodes.find((n) => n.outputs.includes(id)),
    `producer of ${id}`,
  );
  const written = isReductionNode(producer) ? isScalable(producer.op.clamp) : carriesFactors(graph, producer);
  const readers = graph.nodes.filter((n) => n.inputs.includes(id));
  return written && readers.every((n) => carriesFactors(graph, n) || isReductionNode(n));
}

function readersOf(graph: Graph, members: readonly TensorId[]): ReductionNode[] {
  return graph.nodes.filter(isReductionNode).filter((n) => members.includes(n.inputs[0]!));
}

/** t of each channel; undefined where no layer reads the class. */
function factorsOf(graph: Graph, members: readonly TensorId[], powers: ChannelPowers): Float64Array | undefined {
  const readers = readersOf(graph, members);
  if (readers.length === 0) return undefined;
  const power = must(powers.get(readers[0]!.inputs[0]!), 'channel powers');
  const t = new Float64Array(power.length).fill(1);
  for (let i = 0; i < ITERATIONS; i++) {
    const weights = meanShares(readers.map((n) => weightShares(graph, n, t)));
    const data = normalized(power.map((p, c) => p * t[c]! ** 2));
    for (let c = 0; c < t.length; c++) {
      if (!(weights[c]! > 0) || !(data[c]! > 0)) continue;
      // At the optimum both shares are equal: the gradient of Σ log, by log t, is their difference.
      t[c] = t[c]! * (weights[c]! / data[c]!) ** 0.25;
    }
    const middle = Math.exp(t.reduce((sum, f) => sum + Math.log(f), 0) / t.length);
    for (let c = 0; c < t.length; c++) t[c] = clampFactor(t[c]! / middle);
  }
  return t;
}

function clampFactor(f: number): number {
  return Math.min(LARGEST_FACTOR, Math.max(1 / LARGEST_FACTOR, f));
}

/** Of each input channel its share of Σ(w/t)² and of Σ|w/t|, averaged over both and over the outputs. */
function weightShares(graph: Graph, node: ReductionNode, t: Float64Array): Float64Array {
  const w = inputsOf(graph, node)[1] as Tensor;
  const length = w.data!.length / w.shape[0]!;
  const shares = new Float64Array(t.length);
  for (let o = 0; o < w.shape[0]!; o++) {
    const [squares, sizes] = [new Float64Array(t.length), new Float64Array(t.length)];
    for (let k = 0; k < length; k++) {
      const c = inputChannel(node, w, o, k, t.length);
      const v = Math.abs(w.data![o * length + k]!) / t[c]!;
      squares[c]! += v * v;
      sizes[c]! += v;
    }
    for (const part of [normalized(squares), normalized(sizes)]) {
      for (let c = 0; c < t.length; c++) shares[c]! += part[c]! / (2 * w.shape[0]!);
    }
  }
  return shares;
}

function normalized(parts: Float64Array): Float64Array {
  const sum = parts.reduce((a, b) => a + b, 0);
  return sum === 0 ? parts : parts.map((p) => p / sum);
}

function meanShares(all: readonly Float64Array[]): Float64Array {
  return all[0]!.map((_, c) => all.reduce((sum, shares) => sum + shares[c]!, 0) / all.length);
}

/** The input channel that product k of output o reads. */
function inputChannel(node: ReductionNode, w: Tensor, o: number, k: number, channels: number): number {
  const perGroup = w.shape.at(-1)!;
  if (!isKind(node, 'conv2d')) return k % channels;
  const group = Math.floor(o / (w.shape[0]! / node.op.groups));
  return group * perGroup + (k % perGroup);
}

function scaled(graph: Graph, members: readonly TensorId[], t: Float64Array): Graph {
  const writers = graph.nodes.filter(isReductionNode).filter((n) => members.includes(n.outputs[0]!));
  const written = writers.reduce((g, n) => withOutputs(g, n, t), graph);
  return readersOf(written, members).reduce((g, n) => withInputs(g, n, t), written);
}

function withOutputs(graph: Graph, node: ReductionNode, t: Float64Array): Graph {
  const [, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const length = w.data!.length / w.shape[0]!;
  const weights = (w.data as Float32Array).map((v, i) => v * t[Math.floor(i / length)]!);
  const biases = (b.data as Float32Array).map((v, o) => v * t[o]!);
  return withConstants(graph, node, [weights, biases]);
}

function withInputs(graph: Graph, node: ReductionNode, t: Float64Array): Graph {
  const w = tensorOf(graph, node.inputs[1]!);
  const length = w.data!.length / w.shape[0]!;
  const channelAt = (i: number) => inputChannel(node, w, Math.floor(i / length), i % length, t.length);
  return withConstants(graph, node, [(w.data as Float32Array).map((v, i) => v / t[channelAt(i)]!)]);
}

/** The layer with other weights and biases, under ids of their own: another layer may share them. */
function withConstants(graph: Graph, node: ReductionNode, data: readonly Float32Array[]): Graph {
  const builder = GraphBuilder.rebuild(graph);
  const own = data.map((values, i) => {
    const { id, shape } = tensorOf(graph, node.inputs[i + 1]!);
    return builder.constant(id, shape, values);
  });
  const inputs = [node.inputs[0]!, ...own, ...node.inputs.slice(1 + own.length)];
  builder.nodes.push(...graph.nodes.map((n) => (n.id === node.id ? { ...n, inputs } : n)));
  return builder.build();
}
