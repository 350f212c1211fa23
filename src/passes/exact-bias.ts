import { must } from '../core/must.ts';
import type { AccumulatorModel, QuantParams, Tensor } from '../graph/types.ts';
import type { Reduction } from '../ops/definition.ts';
import { proveReduction } from '../quantize/accumulator.ts';
import type { IntegerWeights } from './fuse-layer.ts';

/**
 * Networks that were trained on a grid (QONNX) leave their biases in float, and a sum counts in steps of s_x · s_w: with
 * narrow data and weights half of such a step is several percent of an output's step, and as many outputs round the other
 * way. But a channel's weights, and so its sums, may be any whole multiple k of the file's on a scale that is k times
 * finer, as far as int8 and the accumulators hold them; the bias then rounds to a k-th of the step, and the best k puts it
 * almost on a step.
 */

/** Whole sums stay below this, far from where float32 or the requantizers lose a step. */
const largestSum = 2 ** 22;

/**
 * The weights times a factor for each channel, the one that takes the bias closest to a step; nothing that is proven needs
 * more segments.
 * @param model the layer's accumulator with the weights as they are
 * @param x the input's quantization
 */
export function withExactBias(
  { data, quant }: IntegerWeights,
  bias: Tensor,
  x: QuantParams,
  model: AccumulatorModel,
  { channels, length }: Reduction,
): IntegerWeights {
  if (bias.quant !== undefined) return { data, quant };
  const real = must(bias.data, `values of ${bias.id}`);
  const { worst } = proveReduction(model, data, channels, { lo: x.qmin, hi: x.qmax });
  const factors = worst.map((range, o) => {
    const channel = data.subarray(o * length, (o + 1) * length);
    const steps = real[o]! / (x.scale[0]! * quant.scale[o]!);
    const window = Math.floor((2 ** model.bits - 1) / Math.max(1, range.hi - range.lo));
    return bestFactor(steps, Math.min(window, largestFactor(channel, steps, x)));
  });
  if (factors.every((k) => k === 1)) return { data, quant };
  const scale = quant.scale.map((s, o) => Math.fround(s / factors[o]!));
  return { data: data.map((q, i) => q * factors[Math.floor(i / length)]!), quant: { ...quant, scale } };
}

/** What int8 and the whole sum, bias included, allow. */
function largestFactor(channel: Int8Array, bias: number, x: QuantParams): number {
  const largest = channel.reduce((most, q) => Math.max(most, Math.abs(q)), 0);
  const reach = Math.max(x.qmax - x.zeroPoint, x.zeroPoint - x.qmin);
  const sum = channel.reduce((total, q) => total + Math.abs(q), Math.abs(bias) / reach) * reach;
  return largest === 0 ? 1 : Math.floor(Math.min(127 / largest, largestSum / sum));
}

/** The factor up to `most` for which `steps · k` is closest to a whole number, relative to k; the least of equal ones. */
function bestFactor(steps: number, most: number): number {
  const error = (k: number): number => Math.abs(Math.round(steps * k) - steps * k) / k;
  let best = 1;
  for (let k = 2; k <= most; k++) if (error(k) < error(best)) best = k;
  return best;
}
