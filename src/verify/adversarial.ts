import { must } from '../core/must.ts';
import { createRandom } from '../core/random.ts';
import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import { proveReduction } from '../proof/accumulator.ts';
import { type Place, type ReductionNode, type Taps, tapsOf } from './taps.ts';

/** Which end of the range of DESIGN §4 an input attains. */
export type Bound = 'lo' | 'hi';

/** One window that drives every accumulator of a channel to the end of its range. */
export interface Extreme {
  readonly channel: number;
  readonly bound: Bound;
  readonly place: Place;
}

export interface AdversarialInput {
  /** The layer's activation input: dense, row-major, channels last. */
  readonly values: Int8Array;
  readonly extremes: readonly Extreme[];
}

/** The inputs that attain the bounds of one layer. */
export interface Adversary {
  /** (channel, bound) pairs of the layer: two a channel, in the Winograd domain two a channel and tap. */
  readonly pairs: number;
  /** Inputs that cover all pairs. */
  readonly inputCount: number;
  /** False where every window of the layer reaches into the padding: no inputs come closer to the bounds. */
  readonly attained: boolean;
  /** Why not, where that is not because of the padding. */
  readonly note?: string;
  /** Pairs covered by the first `inputs` inputs. */
  coverage(inputs: number): number;
  /** Input `index`, in [0, inputCount). Inputs that matter most, of the widest sums, come first. */
  input(index: number): AdversarialInput;
}

/**
 * The inputs of a quantized reduction that drive its accumulators to their extremes: for channel o, x_k = ν where
 * w_k > 0 and µ elsewhere (`hi`), and the reverse (`lo`). The k of the lanes and segments are disjoint, so that one window
 * attains the bound of each of them at once; windows that share no input element hold several channels, and with
 * groups one channel of each. What no window reads is random, so that neighbouring outputs differ.
 */
export function adversaryOf(graph: Graph, node: ReductionNode, seed: number): Adversary {
  const x = tensorOf(graph, must(node.inputs[0], 'x'));
  const { qmin, qmax } = must(x.quant, `quantization of tensor ${x.id}`);
  const { channels, length } = must(definitionOf(node).reduction, 'reduction')(
    node,
    node.inputs.map((id) => tensorOf(graph, id)),
  );
  const weights = tensorOf(graph, must(node.inputs[1], 'w')).data as Int8Array;
  const taps = tapsOf(graph, node);
  const queues = queuesOf(widestFirst(node, weights, channels, { lo: qmin, hi: qmax }), channels / taps.groups);
  const pairs = 2 * channels;
  const perInput = taps.places.length;
  return {
    pairs,
    inputCount: Math.ceil((2 * channels) / taps.groups / perInput),
    attained: taps.complete,
    coverage: (inputs) => Math.min(pairs, inputs * perInput * taps.groups),
    input(index) {
      const random = createRandom(seed, index);
      const values = Int8Array.from({ length: sizeOf(x.shape) }, () => random.int(qmin, qmax));
      const extremes = extremesOf(queues, taps, index);
      for (const extreme of extremes) {
        const row = weights.subarray(extreme.channel * length, (extreme.channel + 1) * length);
        writeExtreme(values, row, extreme, taps, Math.floor((extreme.channel * taps.groups) / channels), [qmin, qmax]);
      }
      return { values, extremes };
    },
  };
}

/** Channels with the widest accumulator ranges first: when work is capped, those nearest to overflow are tried. */
function widestFirst(
  node: ReductionNode,
  weights: Int8Array,
  channels: number,
  x: { readonly lo: number; readonly hi: number },
): readonly number[] {
  const { accumulator } = must(node.op.integer, `integer reduction of ${node.id}`);
  const { worst } = proveReduction(accumulator, weights, channels, x);
  const width = worst.map(({ lo, hi }) => hi - lo);
  return width.map((_, o) => o).sort((a, b) => width[b]! - width[a]! || a - b);
}

type Target = Pick<Extreme, 'channel' | 'bound'>;

/** For each group its channels' extremes, in the order in which they are tried. */
function queuesOf(order: readonly number[], perGroup: number): readonly (readonly Target[])[] {
  const queues = Array.from({ length: order.length / perGroup }, (): Target[] => []);
  for (const channel of order) {
    queues[Math.floor(channel / perGroup)]!.push({ channel, bound: 'hi' }, { channel, bound: 'lo' });
  }
  return queues;
}

function extremesOf(queues: readonly (readonly Target[])[], taps: Taps, index: number): readonly Extreme[] {
  const from = index * taps.places.length;
  return queues.flatMap((queue) =>
    queue.slice(from, from + taps.places.length).map((target, i) => ({ ...target, place: taps.places[i]! })),
  );
}

function writeExtreme(
  values: Int8Array,
  weights: Int8Array,
  { bound, place }: Extreme,
  taps: Taps,
  group: number,
  [low, high]: readonly [number, number],
): void {
  for (let k = 0; k < weights.length; k++) {
    const at = taps.at(place, group, k);
    if (at < 0) continue;
    const w = weights[k]!;
    values[at] = w > 0 === (bound === 'hi') ? high : low;
  }
}
