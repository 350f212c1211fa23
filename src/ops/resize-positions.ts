import type { NearestRounding, ResizeOp } from '../graph/types.ts';

/** Where ONNX Resize reads, as ONNX Runtime computes it: positions in float32, each operation rounded. */

const { fround } = Math;

/** True where the scales alone give the output's extents, as ONNX computes them. */
export function followsScales({ scales, size }: ResizeOp, height: number, width: number): boolean {
  return [height, width].every((d, i) => Math.floor(fround(d * scales[i]!)) === size[i]);
}

/** The position in an axis of `extent` that output `index` reads. */
function positionOf({ transform, scales, size }: ResizeOp, axis: 0 | 1, extent: number, index: number): number {
  const [scale, outputs] = [scales[axis], size[axis]];
  switch (transform) {
    case 'half_pixel':
      return fround(fround(fround(index + 0.5) / scale) - 0.5);
    case 'pytorch_half_pixel':
      return outputs > 1 ? fround(fround(fround(index + 0.5) / scale) - 0.5) : 0;
    case 'align_corners':
      return outputs === 1 ? 0 : fround((index * (extent - 1)) / (outputs - 1));
    case 'asymmetric':
      return fround(index / scale);
  }
}

function nearest(position: number, rounding: NearestRounding): number {
  const below = Math.floor(position);
  switch (rounding) {
    case 'floor':
      return below;
    case 'ceil':
      return Math.ceil(position);
    case 'round_prefer_floor':
      return position - below <= 0.5 ? below : below + 1;
    case 'round_prefer_ceil':
      return position - below < 0.5 ? below : below + 1;
  }
}

/** The input's index for each output along an axis of `extent`. */
export function nearestIndices(op: ResizeOp, axis: 0 | 1, extent: number): number[] {
  return Array.from({ length: op.size[axis] }, (_, i) => {
    const index = nearest(positionOf(op, axis, extent, i), op.rounding);
    return Math.min(extent - 1, Math.max(0, index));
  });
}

/** Weights of linear interpolation are in units of 2^−11. */
export const weightBits = 11;

/** Two neighbours and the weight of the second. */
export interface Neighbours {
  readonly first: number;
  readonly second: number;
  readonly weight: number;
}

/** The neighbours for each output along an axis of `extent`. */
export function neighbours(op: ResizeOp, axis: 0 | 1, extent: number): Neighbours[] {
  return Array.from({ length: op.size[axis] }, (_, i) => {
    const position = Math.min(extent - 1, Math.max(0, positionOf(op, axis, extent, i)));
    const first = Math.min(extent - 1, Math.floor(position));
    const second = Math.min(extent - 1, first + 1);
    return { first, second, weight: Math.round((position - first) * 2 ** weightBits) };
  });
}
