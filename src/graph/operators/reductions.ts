import type { RequantFormat } from '../../numeric/requantize.ts';
import type { WinogradTile } from '../../numeric/winograd.ts';
import type { Clamp, Pads, Pair } from './common.ts';

/**
 * How the K products of one output are summed (DESIGN §4). Product k of an output's K = runs · runLength products lies
 * in run ⌊k / runLength⌋ at position p = k mod runLength; runs start on a step boundary. It is summed in step
 * run · ⌈runLength / step⌉ + ⌊p / step⌋, in accumulator (lane) p mod lanes. After each step listed in `segments` (ends,
 * exclusive, ascending, the last one the number of steps) the accumulators are flushed into 32 bits. NEON lanes of 8 bits
 * are added up in 16 bits on the way: `flushRanges` in proof/accumulator says what these hold.
 */
export interface AccumulatorModel {
  readonly bits: number;
  readonly lanes: number;
  /** Products a step: 16 for K in the lanes (two `vmlal_s8`, or one `vmlaq_s8` where lanes have 8 bits), 1 for a scalar accumulator or depthwise, a row's for a first layer. */
  readonly step: number;
  readonly runLength: number;
  readonly segments: readonly number[];
}

/** Present on the reductions of a quantized graph. */
export interface IntegerReduction {
  readonly requant: RequantFormat;
  readonly accumulator: AccumulatorModel;
  /** `proven`: no input can overflow; `calibrated`: none of the calibration data did, with a margin. */
  readonly mode: 'proven' | 'calibrated';
  /** `calibrated`: what the sums of each channel's accumulators are taken to be within, `[channel][segment · lanes + lane]`. */
  readonly sums?: readonly (readonly { readonly lo: number; readonly hi: number }[])[];
  /** What the int32 biases leave of real ones, in steps of the sum, within ±1/2; with the requantization `float32` only. */
  readonly biasRemainders?: readonly number[];
}

/** x: N×H×W×C, w: O×kh×kw×(C/groups), b: O. Output channel o belongs to group ⌊o / (O/groups)⌋. */
export interface Conv2dOp {
  readonly kind: 'conv2d';
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
  readonly groups: number;
  readonly clamp?: Clamp;
  readonly integer?: IntegerReduction;
}

/** How the transformed input of a Winograd convolution becomes int8: `clamp(sqrdmulh(v, multiplier) [+ offset], qmin, qmax)`. */
export interface WinogradInput {
  /** For each tap, in units of 2^−15, in [1, 2^15]; 2^15 leaves the tap as it is. */
  readonly multiplier: readonly number[];
  /** Added at the tap that a constant input does not leave at 0 (`numeric/winograd`), whose values are not centred. */
  readonly offset: number;
  readonly qmin: number;
  readonly qmax: number;
}

/**
 * A 3×3 convolution with strides 1 by F(m×m, 3×3), m = `tile`; quantized graphs only, made by the quantizer. x: N×H×W×C,
 * transformed weights: (O·T²)×C with T = m + 2 and a scale for each row, b: O. Tiles begin at the output's first pixel.
 */
export interface WinogradOp {
  readonly kind: 'winograd';
  readonly tile: WinogradTile;
  readonly pads: Pads;
  readonly clamp?: Clamp;
  readonly input: WinogradInput;
  /** Bits that a tap's sums gain before they are brought to the scale that the channel's taps share. */
  readonly leftShift: number;
  readonly integer: IntegerReduction;
}

/** x: M×K, w: O×K, b: O. */
export interface FullyConnectedOp {
  readonly kind: 'fullyConnected';
  readonly clamp?: Clamp;
  readonly integer?: IntegerReduction;
}
