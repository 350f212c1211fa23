import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Clamp, Conv2dOp, FullyConnectedOp, Node, QuantParams, Tensor } from '../graph/types.ts';
import { makeRequantizer, type Requantizer } from '../numeric/requantize.ts';

/** What the integer meanings derive from a quantized graph. Kernels use the same functions, so constants agree. */

/** The quantization of an int8 activation: one scale. */
export function quantOf(tensor: Tensor): QuantParams & { readonly step: number } {
  const quant = must(tensor.quant, `quantization of tensor ${tensor.id}`);
  if (quant.scale.length !== 1) throw invariant(`tensor ${tensor.id} has ${quant.scale.length} scales`);
  return { ...quant, step: quant.scale[0]! };
}

/** The step that a real value rounds to, inside the tensor's range; ±Infinity give its ends. */
export function quantizeValue(real: number, quant: QuantParams): number {
  const q = Math.round(real / quant.scale[0]!) + quant.zeroPoint;
  return Math.min(quant.qmax, Math.max(quant.qmin, q));
}

/** The output's zero point and its bounds with a fused clamp taken in. */
export function integerClamp(output: Tensor, clamp: Clamp | undefined): { lo: number; hi: number; zeroPoint: number } {
  const quant = quantOf(output);
  const { lo, hi } = clamp ?? { lo: -Infinity, hi: Infinity };
  return { lo: quantizeValue(lo, quant), hi: quantizeValue(hi, quant), zeroPoint: quant.zeroPoint };
}

/** Requantizer of a quantized convolution or fully connected layer: s_x · s_w[o] / s_y. */
export function reductionRequantizer(
  node: Node<Conv2dOp> | Node<FullyConnectedOp>,
  inputs: readonly Tensor[],
  output: Tensor,
): Requantizer {
  const format = must(node.op.integer, `integer reduction of ${node.id}`).requant;
  const x = quantOf(must(inputs[0], 'x')).step;
  const y = quantOf(output).step;
  const weightScales = must(inputs[1]?.quant, `weight quantization of ${node.id}`).scale;
  // float32 is ONNX Runtime's own sequence of roundings (DESIGN §3).
  const real =
    format === 'float32'
      ? weightScales.map((w) => Math.fround(Math.fround(x * w) / y))
      : weightScales.map((w) => (x * w) / y);
  return makeRequantizer(format, real);
}
