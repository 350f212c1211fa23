import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { AddOp, Clamp, Conv2dOp, FullyConnectedOp, Node, QuantParams, Tensor } from '../graph/types.ts';
import { roundHalfEven } from '../numeric/neon.ts';
import { makeRequantizer, type Requantizer, splitFloat, withRemainders } from '../numeric/requantize.ts';

/** What the integer meanings derive from a quantized graph. Kernels use the same functions, so constants agree. */

/** The quantization of an int8 activation: one scale. */
export function quantOf(tensor: Tensor): QuantParams & { readonly step: number } {
  const quant = must(tensor.quant, `quantization of tensor ${tensor.id}`);
  if (quant.scale.length !== 1) throw invariant(`tensor ${tensor.id} has ${quant.scale.length} scales`);
  return { ...quant, step: quant.scale[0]! };
}

/**
 * How wide an activation's integers are.
 * @returns `bits` that hold every step; `steps` too, qmax − qmin, where they are not all that those bits have: of an
 *   activation, 2^bits − 1, or without the lowest one, as symmetric quantizers leave it out
 */
export function dataWidth({ qmin, qmax }: Pick<QuantParams, 'qmin' | 'qmax'>): { bits: number; steps?: number } {
  const steps = qmax - qmin;
  const bits = Math.ceil(Math.log2(steps + 1));
  const whole = steps === 2 ** bits - 1 || (steps === 2 ** bits - 2 && qmin === -qmax);
  return whole ? { bits } : { bits, steps };
}

/** The integers that an activation may hold, where they are not all of 8 bits. */
export function narrowRange({
  qmin: lo,
  qmax: hi,
}: Pick<QuantParams, 'qmin' | 'qmax'>): { lo: number; hi: number } | undefined {
  return lo > -128 || hi < 127 ? { lo, hi } : undefined;
}

/**
 * The step that a real value rounds to, inside the tensor's range; ±Infinity give its ends. This is ONNX's
 * QuantizeLinear to the bit: a float32 division, rounded to nearest, halves to even.
 */
export function quantizeValue(real: number, quant: QuantParams): number {
  const q = roundHalfEven(Math.fround(Math.fround(real) / quant.scale[0]!)) + quant.zeroPoint;
  return Math.min(quant.qmax, Math.max(quant.qmin, q));
}

/** The output's zero point and its bounds with a fused clamp taken in. */
export function integerClamp(output: Tensor, clamp: Clamp | undefined): { lo: number; hi: number; zeroPoint: number } {
  const quant = quantOf(output);
  const { lo, hi } = clamp ?? { lo: -Infinity, hi: Infinity };
  return { lo: quantizeValue(lo, quant), hi: quantizeValue(hi, quant), zeroPoint: quant.zeroPoint };
}

/**
 * Operators that only move steps need one quantization on both sides; the quantizer sees to that.
 * @throws invariant where an input's differs
 */
export function requireSameQuant(inputs: readonly Tensor[], output: Tensor): void {
  const y = quantOf(output);
  for (const input of inputs) {
    const x = quantOf(input);
    if (x.step !== y.step || x.zeroPoint !== y.zeroPoint) {
      throw invariant(`tensors ${input.id} and ${output.id} must have one quantization`);
    }
  }
}

/** The largest |q − zeroPoint| of an activation. */
export function largestMagnitude(quant: QuantParams): number {
  return Math.max(quant.qmax - quant.zeroPoint, quant.zeroPoint - quant.qmin);
}

/** Requantizer of a quantized convolution or fully connected layer: s_x · s_w[o] / s_y, and what is left of real biases. */
export function reductionRequantizer(
  node: Node<Conv2dOp> | Node<FullyConnectedOp>,
  inputs: readonly Tensor[],
  output: Tensor,
): Requantizer {
  const { requant: format, biasRemainders } = must(node.op.integer, `integer reduction of ${node.id}`);
  const x = quantOf(must(inputs[0], 'x')).step;
  const y = quantOf(output).step;
  const weightScales = must(inputs[1]?.quant, `weight quantization of ${node.id}`).scale;
  // float32 is ONNX Runtime's own sequence of roundings (DESIGN §3).
  const real =
    format === 'float32'
      ? weightScales.map((w) => Math.fround(Math.fround(x * w) / y))
      : weightScales.map((w) => (x * w) / y);
  const requantizer = makeRequantizer(format, real);
  return biasRemainders === undefined ? requantizer : withRemainders(requantizer, biasRemainders);
}

/**
 * Multipliers of an addition: `y = srshl((a − zp_a)·multipliers[0] + (b − zp_b)·multipliers[1], −shift) + zp_y`. The
 * larger one lies in [2^13, 2^14), and that of what is subtracted is negated; so both fit `vmlal_s16`, and the sum stays below 2^23.
 * @throws invariant where an input's step is 2^14 output steps or more
 */
export function addMultipliers(
  op: AddOp,
  inputs: readonly Tensor[],
  output: Tensor,
): { readonly multipliers: readonly [number, number]; readonly shift: number } {
  const y = quantOf(output).step;
  const [a, b] = inputs.map((t) => quantOf(t).step / y) as [number, number];
  const { fraction, exponent } = splitFloat(Math.max(a, b));
  // Halves up; what rounds up to 2^14 takes one shift less. Beyond a shift of 31 every sum rounds to 0 anyway.
  const shift = Math.min(31, (Math.round(fraction * 2 ** 14) < 2 ** 14 ? 14 : 13) - exponent);
  if (shift < 0) throw invariant(`the steps of ${inputs.map((t) => t.id).join(', ')} are too large for ${output.id}`);
  const second = Math.round(b * 2 ** shift);
  return { multipliers: [Math.round(a * 2 ** shift), op.subtract ? -second : second], shift };
}
