import type { Shape } from '../tensor.ts';
import type { Pair } from './common.ts';

/** Output element i along an axis is the input's element `starts[axis] + i · steps[axis]`, i below `sizes[axis]`. Steps may be negative. */
export interface SliceOp {
  readonly kind: 'slice';
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly sizes: readonly number[];
}

/** x: N×H×W×C to N×(H/block)×(W/block)×(C·block²); row i, column j of each block becomes channels (i·block + j)·C + c. */
export interface SpaceToDepthOp {
  readonly kind: 'spaceToDepth';
  readonly block: number;
}

export interface ConcatOp {
  readonly kind: 'concat';
  readonly axis: number;
}

/** Constant padding; `pads` is [before…, after…] over all axes, in real units `value`. */
export interface PadOp {
  readonly kind: 'pad';
  readonly pads: readonly number[];
  readonly value: number;
}

export interface ReshapeOp {
  readonly kind: 'reshape';
  readonly shape: Shape;
}

export interface TransposeOp {
  readonly kind: 'transpose';
  /** Output axis i is input axis perm[i], as in ONNX. */
  readonly perm: readonly number[];
}

/**
 * x: N×H×W×(C·block²) to N×(H·block)×(W·block)×C. Channel (i·block + j)·C + c goes to row i, column j of each block in mode DCR,
 * channel (c·block + i)·block + j in mode CRD.
 */
export interface DepthToSpaceOp {
  readonly kind: 'depthToSpace';
  readonly block: number;
  readonly mode: 'DCR' | 'CRD';
}

/** ONNX's ways from the index of an output to a position in the input. */
export type CoordinateTransform = 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';

/** ONNX's ways from a position to the nearest index. */
export type NearestRounding = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';

/** x: N×H×W×C to N×size[0]×size[1]×C. */
export interface ResizeOp {
  readonly kind: 'resize';
  readonly mode: 'nearest' | 'linear';
  readonly transform: CoordinateTransform;
  /** Of `nearest`. */
  readonly rounding: NearestRounding;
  /** float32: what positions are computed with. Not always the ratio of the sizes. */
  readonly scales: Pair;
  readonly size: Pair;
}
