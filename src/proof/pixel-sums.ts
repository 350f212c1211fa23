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
 * The range of each of `count` accumulators: attained, since each tap reads a pixel of its own.
 * @param accumulators of each product
 * @param operands the range of each of them
 */
export function limitedRanges(
  accumulators: Int32Array,
  count: number,
  weights: ArrayLike<number>,
  operands: { readonly lo: number; readonly hi: number },
  { channels, sum }: PixelLimit,
): { lo: number; hi: number }[] {
  const { lo, hi } = operands;
  const ranges = Array.from({ length: count }, () => ({ lo: 0, hi: 0 }));
  for (let tap = 0; tap < weights.length; tap += channels) {
    const ofAccumulator = new Map<number, number[]>();
    for (let k = tap; k < tap + channels; k++) {
      const own = ofAccumulator.get(accumulators[k]!) ?? [];
      ofAccumulator.set(accumulators[k]!, own);
      own.push(weights[k]!);
    }
    for (const [a, own] of ofAccumulator) {
      own.sort((v, w) => w - v);
      const lowest = lo * own.reduce((s, w) => s + w, 0);
      const range = ranges[a]!;
      range.hi += lowest + largestSum(own, hi - lo, sum);
      range.lo +=
        lowest -
        largestSum(
          own.reverse().map((w) => -w),
          hi - lo,
          sum,
        );
    }
  }
  return ranges;
}

/** Σ w·u with 0 ≤ u ≤ steps and Σ u ≤ sum at its largest: the largest weights get all there is, a fractional knapsack. */
function largestSum(descending: readonly number[], steps: number, sum: number): number {
  let [total, left] = [0, sum];
  for (const w of descending) {
    if (w <= 0 || left <= 0) break;
    const u = Math.min(steps, left);
    total += w * u;
    left -= u;
  }
  return total;
}
