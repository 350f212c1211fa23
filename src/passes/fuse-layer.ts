import { must } from '../core/must.ts';
import type { IntegerReduction, QuantParams, Tensor } from '../graph/types.ts';
import { type RequantFormat, splitFloat } from '../numeric/requantize.ts';
import type { Reduction } from '../ops/definition.ts';
import { windowBudget } from '../proof/accumulator.ts';
import { greedySegments, singleSegment } from '../proof/segments.ts';

/** How layers accumulate that nothing more is known about than their integers. */
export interface AccumulatorDefaults {
  readonly accBits: number;
  readonly lanes: 1 | 8;
  readonly requant: RequantFormat;
}

/** Why a layer's constants are not integers. */
export class NotInteger extends Error {}

/** Integer weights: int8 with one scale an output channel (axis 0). */
export interface IntegerWeights {
  readonly data: Int8Array;
  readonly quant: QuantParams;
}

/**
 * The integers behind the real weights of a layer.
 * @throws NotInteger where the constant came through no DequantizeLinear, or not in a way that int8 holds
 */
export function weightsOf(weights: Tensor): IntegerWeights {
  const { quant } = weights;
  if (quant === undefined) throw new NotInteger('its weights are not quantized');
  const channels = weights.shape[0]!;
  if (quant.axis !== undefined && quant.axis !== 0) {
    throw new NotInteger(`its weights have scales along axis ${quant.axis}, not along the output channels`);
  }
  const scale = quant.axis === undefined ? new Array<number>(channels).fill(quant.scale[0]!) : quant.scale;
  if (!scale.every((s) => s > 0)) throw new NotInteger('a scale of its weights is not positive');
  const real = must(weights.data, `values of ${weights.id}`);
  const length = real.length / channels;
  const integers = Float64Array.from(real, (w, i) => Math.round(w / scale[Math.floor(i / length)]!));
  const lo = integers.reduce((a, b) => Math.min(a, b), 0);
  const hi = integers.reduce((a, b) => Math.max(a, b), 0);
  if (lo < -128 || hi > 127) throw new NotInteger(`its weights, ${lo} to ${hi} around their zero point, exceed int8`);
  const qmin = lo < -127 ? -128 : -127;
  return { data: Int8Array.from(integers), quant: { scale, zeroPoint: 0, qmin, qmax: 127, axis: 0 } };
}

/** Biases stay below this many steps of s_x · s_w, so that sums fit 32 bits. */
const largestBias = 2 ** 30;

/**
 * The weights on scales that leave the bias room: where a channel's weights are almost nothing beside its bias (one that
 * died in training), they are rounded to a coarser grid, which moves the output by less than 2^−12 of the bias.
 */
export function withRoomForBias(
  { data, quant }: IntegerWeights,
  weights: Tensor,
  bias: Tensor,
  inputStep: number,
): IntegerWeights {
  const real = must(weights.data, `values of ${weights.id}`);
  const biases = must(bias.data, `values of ${bias.id}`);
  const least = quant.scale.map((_, o) => Math.abs(biases[o]!) / (inputStep * largestBias));
  if (quant.scale.every((s, o) => s >= least[o]!)) return { data, quant };
  const scale = quant.scale.map((s, o) => (s >= least[o]! ? s : Math.fround(least[o]! * (1 + 2 ** -20))));
  const length = data.length / scale.length;
  const coarser = data.map((q, i) => {
    const o = Math.floor(i / length);
    return scale[o] === quant.scale[o] ? q : Math.round(real[i]! / scale[o]!);
  });
  return { data: coarser, quant: { ...quant, scale } };
}

/**
 * Bias steps that survive the way through float32 in a QDQ file, there and back: beyond 2^23 they keep 20 significant bits,
 * far below the output's own rounding.
 */
function representable(q: number): number {
  if (Math.abs(q) < 2 ** 23) return q;
  const unit = 2 ** (splitFloat(Math.abs(q)).exponent - 20);
  return Math.round(q / unit) * unit;
}

/** A layer's biases in steps of s_x · s_w. */
export interface IntegerBias {
  readonly data: Int32Array;
  /** What is left of each where the file has real numbers, within ±1/2. */
  readonly remainders?: readonly number[];
}

/**
 * The file's own integers where it has them; else the nearest ones, and what is left: with narrow data and weights half a
 * step of the sum is several percent of one of the output.
 */
export function biasOf(bias: Tensor, inputStep: number, weightScales: readonly number[]): IntegerBias {
  const given = bias.quant?.scale;
  const stepOf = (o: number): number => {
    const step = inputStep * weightScales[o]!;
    const scale = given?.[o] ?? given?.[0];
    // The file's scale is the same product, rounded to float32.
    return scale !== undefined && Math.abs(scale / step - 1) < 2 ** -20 ? scale : step;
  };
  const steps = Array.from(must(bias.data, `values of ${bias.id}`), (b, o) => b / stepOf(o));
  const data = Int32Array.from(steps, (exact) => {
    const q = representable(Math.round(exact));
    if (Math.abs(q) >= 2 ** 31) throw new NotInteger('its bias exceeds 32 bits in steps of input scale · weight scale');
    return q;
  });
  // Beyond 2^23 steps float32 has no fractions.
  const remainders = steps.map((exact, o) => (Math.abs(exact) < 2 ** 23 ? exact - data[o]! : 0));
  return bias.quant === undefined && remainders.some((rest) => rest !== 0) ? { data, remainders } : { data };
}

/** The accumulator of a layer that only its integers are known of: flushed as late as they allow. */
export function defaultInteger(
  reduction: Reduction,
  weights: Int8Array,
  x: QuantParams,
  { accBits, lanes, requant }: AccumulatorDefaults,
): IntegerReduction {
  const budget = windowBudget(accBits, { lo: x.qmin, hi: x.qmax });
  // Given weights may be too large for a row in one accumulator; lanes hold any.
  const model = singleSegment({ ...reduction, shortRows: false }, accBits, lanes);
  return { requant, accumulator: greedySegments(model, weights, reduction.channels, budget), mode: 'proven' };
}
