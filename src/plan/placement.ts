import type { Pads, Shape, TensorId } from '../graph/types.ts';

/**
 * Where an activation lives in the arena. Every tensor is seen as H×W×C: C is the last axis, W the one before, H the product of the
 * rest. Element (h, w, c) is at `offset + h·rowStride + w·pixelStride + c`. The border, filled with the zero point, lies
 * around the interior inside the same rows, so convolutions never test for edges.
 */
export interface Placement {
  readonly tensor: TensorId;
  /** [H, W, C] of the interior. */
  readonly extent: readonly [number, number, number];
  /** Byte offset of the interior's first element in the arena. */
  readonly offset: number;
  readonly rowStride: number;
  /** More than C where the tensor is a slice of a concatenation. */
  readonly pixelStride: number;
  readonly border: Pads;
}

/** [H, W, C] of a tensor (DESIGN §7); vectors are 1×1×C. */
export function extentOf(shape: Shape): [number, number, number] {
  const c = shape.at(-1) ?? 1;
  const w = shape.at(-2) ?? 1;
  return [shape.slice(0, -2).reduce((product, d) => product * d, 1), w, c];
}

export const noBorder: Pads = [0, 0, 0, 0];

/** The placement of a dense tensor without border at the start of memory of its own: a caller's input or output. */
export function densePlacement(tensor: TensorId, shape: Shape): Placement {
  const extent = extentOf(shape);
  const [, width, channels] = extent;
  return { tensor, extent, offset: 0, rowStride: width * channels, pixelStride: channels, border: noBorder };
}

/** The larger of two borders, side by side. */
export function widerBorder(a: Pads, b: Pads): Pads {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

export function hasBorder(border: Pads): boolean {
  return border.some((side) => side > 0);
}
