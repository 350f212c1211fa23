import type { Clamp, Float32Steps, Pads, Pair } from './common.ts';

/** x: N×H×W×C. Padding never wins. `pads` holds the ceil_mode rest too. */
export interface MaxPoolOp {
  readonly kind: 'maxPool';
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
}

/** x: N×H×W×C. Global pooling and ReduceMean over space are this with the whole plane as kernel. */
export interface AveragePoolOp {
  readonly kind: 'averagePool';
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  /** Positions in the padding count in the divisor. `ceilExtra` (bottom, right) never counts. */
  readonly countIncludePad: boolean;
  readonly ceilExtra: Pair;
  /** The sum, not divided. The kernel is the whole plane, or whole rows or columns of it. */
  readonly sum?: true;
  readonly clamp?: Clamp;
  readonly requant?: Float32Steps;
}

export interface SoftmaxOp {
  readonly kind: 'softmax';
  readonly axis: number;
  readonly requant?: Float32Steps;
}

/**
 * The index of the largest element along `axis`, whose extent becomes 1; the last of several where `last`. In a quantized
 * graph it is on the grid of the numbers 0 to 255.
 */
export interface ArgMaxOp {
  readonly kind: 'argMax';
  readonly axis: number;
  readonly last: boolean;
}

/** x: N×H×W×C; local response normalization over `size` neighbouring channels. */
export interface LrnOp {
  readonly kind: 'lrn';
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/**
 * The same values in fewer steps, with error diffusion: what rounding adds to an element or takes from it is made up for by the
 * elements right of it and below it, and by other channels of its pixel. N×H×W×C; both quantizations as `ops/diffusion` has them.
 */
export interface DiffuseOp {
  readonly kind: 'diffuse';
  /** Absent where errors go to other pixels only. */
  readonly carries?: ChannelCarries;
  /**
   * What the channels of an output pixel add up to at most, in steps from the lowest integer, which is then the zero point: as much as a
   * pixel holds before the layers that read it could overflow. Absent where nothing is kept. Positive.
   */
  readonly pixelSum?: number;
}

/**
 * What channels of a pixel, of more than 16, take from the errors of those before them: channel c the sum over j of
 * weights[c·C + j] · error of j, in units of 2^−shift, where j's block of 16 channels comes before c's.
 */
export interface ChannelCarries {
  readonly shift: number;
  /** C × C; 0 where j's block does not come before c's. In a row and a block the magnitudes add up to 255 at most. */
  readonly weights: Int8Array;
}
