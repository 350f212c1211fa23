import { createRandom } from '../../core/random.ts';
import { isKind } from '../../graph/build.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Conv2dOp, Shape } from '../../graph/types.ts';
import type { ReductionNode } from '../../proof/certify.ts';

/** Where a layer's dot products get their operands: `im2col` for some of its output positions. */
export interface PatchSource {
  /** Products an output. */
  readonly length: number;
  readonly groups: number;
  /** Chosen positions, `sample · positions + position`, ascending. */
  readonly chosen: Int32Array;
  /**
   * The operands of the chosen positions `from` to `to − 1`: rows of `length`.
   * @param values the layer's input, sample after sample, in the tensor's own order
   * @param zero what stands for 0, subtracted from every value; padding gives 0
   * @param into where the rows go: a new array without it. Reusing one spares its memory being mapped anew
   */
  read(
    values: Int8Array | Float32Array,
    zero: number,
    group: number,
    from: number,
    to: number,
    into?: Float32Array,
  ): Float32Array;
}

/** Operands of an output, at most: second moments of more take gigabytes. Longer layers are not fitted. */
export const LONGEST = 4608;

const SEED = 2;

/**
 * @param x, w, y shapes of the layer's input, weights and output
 * @param samples how many samples the values have
 * @param limit positions to choose at most, at random, always the same
 */
export function patchSource(
  node: ReductionNode,
  { x, w, y }: { x: Shape; w: Shape; y: Shape },
  samples: number,
  limit: number,
): PatchSource {
  const conv = isKind(node, 'conv2d');
  const positions = conv ? y[1]! * y[2]! : x[0]!;
  const chosen = choosePositions(samples * positions, limit);
  const length = sizeOf(w) / w[0]!;
  const isPadded = conv && node.op.pads.some((p) => p > 0);
  const gather = conv ? convRow(node.op, x, w, y) : fullRow(length);
  return {
    length,
    groups: conv ? node.op.groups : 1,
    chosen,
    read(values, zero, group, from, to, into = new Float32Array((to - from) * length)) {
      const rows = into.subarray(0, (to - from) * length);
      if (isPadded) rows.fill(0);
      const size = sizeOf(x);
      for (let i = from; i < to; i++) {
        const sample = Math.floor(chosen[i]! / positions);
        gather(values, sample * size, chosen[i]! % positions, group, zero, rows, (i - from) * length);
      }
      return rows;
    },
  };
}

function choosePositions(count: number, limit: number): Int32Array {
  if (count <= limit) return Int32Array.from({ length: count }, (_, i) => i);
  // One at random from each of `limit` equal parts: no need to shuffle millions.
  const random = createRandom(SEED);
  return Int32Array.from({ length: limit }, (_, i) => {
    const from = Math.floor((i * count) / limit);
    return random.int(from, Math.floor(((i + 1) * count) / limit) - 1);
  });
}

type Gather = (
  values: Int8Array | Float32Array,
  sampleAt: number,
  position: number,
  group: number,
  zero: number,
  out: Float32Array,
  at: number,
) => void;

function fullRow(length: number): Gather {
  return (values, sampleAt, position, _, zero, out, at) => {
    const from = sampleAt + position * length;
    for (let k = 0; k < length; k++) out[at + k] = values[from + k]! - zero;
  };
}

function convRow(op: Conv2dOp, x: Shape, w: Shape, y: Shape): Gather {
  const [, height, width, channels] = x as [number, number, number, number];
  const [, kh, kw, perGroup] = w as [number, number, number, number];
  const outWidth = y[2]!;
  return (values, sampleAt, position, group, zero, out, at) => {
    const top = Math.floor(position / outWidth) * op.strides[0] - op.pads[0];
    const left = (position % outWidth) * op.strides[1] - op.pads[1];
    for (let ky = 0; ky < kh; ky++) {
      const iy = top + ky * op.dilations[0];
      for (let kx = 0; kx < kw; kx++) {
        const ix = left + kx * op.dilations[1];
        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
        const from = sampleAt + (iy * width + ix) * channels + group * perGroup;
        const to = at + (ky * kw + kx) * perGroup;
        for (let c = 0; c < perGroup; c++) out[to + c] = values[from + c]! - zero;
      }
    }
  };
}
