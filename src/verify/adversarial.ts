import { must } from '../core/must.ts';
import { createRandom } from '../core/random.ts';
import { inputsOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { AccumulatorModel, Graph, Tensor } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import { type OperandRange, proveReduction } from '../proof/accumulator.ts';
import { type PixelLimit, pixelLimitOf, stepsAtEnd } from '../proof/pixel-sums.ts';
import { keepSums, type LimitedPixels, limitedPixelsOf } from './limited-pixels.ts';
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
 *
 * Where what a pixel's channels add up to is limited, every pixel keeps that, groups take turns, and it is whole sums that are as large as can
 * be: accumulators that share pixels can't all attain their bounds at once.
 */
export function adversaryOf(graph: Graph, node: ReductionNode, seed: number): Adversary {
  const [x, w] = inputsOf(graph, node) as [Tensor, Tensor];
  const { qmin, qmax } = must(x.quant, `quantization of tensor ${x.id}`);
  const { channels, length } = must(definitionOf(node).reduction, 'reduction')(node, inputsOf(graph, node));
  const weights = w.data as Int8Array;
  const taps = tapsOf(graph, node);
  const limit = limitedPixelsOf(graph, x.id);
  const shares = limit !== undefined && accumulatorCount(node) > 1;
  // Groups read different channels of the same pixels.
  const atOnce = limit === undefined ? taps.groups : 1;
  const pixels = pixelLimitOf(graph, node);
  const order = widestFirst(node, weights, channels, { lo: qmin, hi: qmax, ...(pixels && { pixels }) });
  const queues = queuesOf(order, channels / atOnce);
  const pairs = 2 * channels;
  const perInput = taps.places.length;
  return {
    pairs,
    inputCount: Math.ceil(pairs / atOnce / perInput),
    attained: taps.complete && !shares,
    ...(shares && { note: sharedSums }),
    coverage: (inputs) => Math.min(pairs, inputs * perInput * atOnce),
    input(index) {
      const random = createRandom(seed, index);
      const values = Int8Array.from({ length: sizeOf(x.shape) }, () => random.int(qmin, qmax));
      if (limit) keepSums(values, limit);
      const extremes = extremesOf(queues, taps, index);
      for (const extreme of extremes) {
        const row = weights.subarray(extreme.channel * length, (extreme.channel + 1) * length);
        const group = Math.floor((extreme.channel * taps.groups) / channels);
        if (limit && pixels) writeLimited(values, row, extreme, taps, group, limit, pixels);
        else writeExtreme(values, row, extreme, taps, group, [qmin, qmax]);
      }
      return { values, extremes };
    },
  };
}

const sharedSums = 'accumulators share pixels whose sums are limited: no input attains all of their bounds';

function accumulatorCount(node: ReductionNode): number {
  const { lanes, segments } = modelOf(node);
  return lanes * segments.length;
}

function modelOf(node: ReductionNode): AccumulatorModel {
  return must(node.op.integer, `integer reduction of ${node.id}`).accumulator;
}

/** Channels with the widest accumulator ranges first: when work is capped, those nearest to overflow are tried. */
function widestFirst(node: ReductionNode, weights: Int8Array, channels: number, x: OperandRange): readonly number[] {
  const { worst } = proveReduction(modelOf(node), weights, channels, x);
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

/** The same where pixels are limited; what other groups read of these is the lowest. */
function writeLimited(
  values: Int8Array,
  weights: Int8Array,
  { bound, place }: Extreme,
  taps: Taps,
  group: number,
  { channels, lowest, steps }: LimitedPixels,
  pixels: PixelLimit,
): void {
  const taken = stepsAtEnd(new Int32Array(weights.length), weights, steps, pixels, bound === 'hi' ? 1 : -1);
  for (let k = 0; k < weights.length; k++) {
    const at = taps.at(place, group, k);
    if (at < 0) continue;
    const pixel = at - (at % channels);
    if (k % pixels.channels === 0) values.fill(lowest, pixel, pixel + channels);
    values[at] = lowest + taken[k]!;
  }
}
