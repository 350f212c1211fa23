import { isKind, producerOf, tensorOf } from '../graph/build.ts';
import type { Graph, Node, TensorId } from '../graph/types.ts';

/**
 * The second bound of docs/proof.md. A convolution multiplies at each tap the channels of one pixel; where error diffusion keeps what
 * they add up to, they can't all be at the end of their range at once.
 */
export interface PixelLimit {
  /** Products of a tap: they follow one another. */
  readonly channels: number;
  /** What their operands, in steps from the lowest, add up to at most. */
  readonly sum: number;
}

/** What channels of a pixel of x add up to at most, in steps from the lowest integer; undefined where nothing is kept. */
export function pixelSumOf(graph: Graph, x: TensorId): number | undefined {
  const producer = producerOf(graph, x);
  return producer !== undefined && isKind(producer, 'diffuse') ? producer.op.pixelSum : undefined;
}

/** The limit on the operands of a convolution that reads such pixels, if padding is their lowest integer. */
export function pixelLimitOf(graph: Graph, node: Node): PixelLimit | undefined {
  const sum = isKind(node, 'conv2d') ? pixelSumOf(graph, node.inputs[0]!) : undefined;
  return sum === undefined ? undefined : { channels: tensorOf(graph, node.inputs[1]!).shape.at(-1)!, sum };
}

/**
 * What operands are, in steps from the lowest, where sums are at an end of their range: the largest weights of a tap get all that there is,
 * one after the other, until the pixel has no more. A fractional knapsack, for each accumulator by itself.
 * @param accumulators of each product
 * @param steps the most that an operand can have
 * @param end 1 for the largest sums, −1 for the least
 */
export function stepsAtEnd(
  accumulators: Int32Array,
  weights: ArrayLike<number>,
  steps: number,
  { channels, sum }: PixelLimit,
  end: 1 | -1,
): Float64Array {
  const taken = new Float64Array(weights.length);
  for (let tap = 0; tap < weights.length; tap += channels) {
    const products = Array.from({ length: channels }, (_, c) => tap + c);
    const helpful = products.filter((k) => end * weights[k]! > 0).sort((a, b) => end * (weights[b]! - weights[a]!));
    const left = new Map<number, number>();
    for (const k of helpful) {
      const room = left.get(accumulators[k]!) ?? sum;
      taken[k] = Math.min(steps, room);
      left.set(accumulators[k]!, room - taken[k]!);
    }
  }
  return taken;
}

/**
 * The range of each of `count` accumulators: attained, since each tap reads a pixel of its own.
 * @param accumulators of each product
 * @param operands the range of each of them
 */
export function limitedRanges(
  accumulators: Int32Array,
  count: number,
  weights: ArrayLike<number>,
  { lo, hi }: { readonly lo: number; readonly hi: number },
  limit: PixelLimit,
): { lo: number; hi: number }[] {
  const [most, least] = ([1, -1] as const).map((end) => stepsAtEnd(accumulators, weights, hi - lo, limit, end));
  const ranges = Array.from({ length: count }, () => ({ lo: 0, hi: 0 }));
  for (let k = 0; k < weights.length; k++) {
    const range = ranges[accumulators[k]!]!;
    range.hi += weights[k]! * (lo + most![k]!);
    range.lo += weights[k]! * (lo + least![k]!);
  }
  return ranges;
}
