import { must } from '../../core/must.ts';
import { inputsOf } from '../../graph/build.ts';
import type { Graph, Node, QuantParams, Tensor } from '../../graph/types.ts';
import { meanProducts, patchMeans } from './patch-mean.ts';

/**
 * Biases of a layer in steps of s_x · s_w, rounded.
 * @param bias real, one a channel
 */
export function roundBiases(bias: ArrayLike<number>, inputStep: number, weightScales: readonly number[]): Int32Array {
  return Int32Array.from(bias, (b, o) => Math.round(b / (inputStep * weightScales[o]!)));
}

/**
 * The layer's real biases, moved so that the mean of each channel's sum is that of the float network: rounded weights and
 * clipped or rounded inputs shift it. Only means are needed, as a mean goes through a sum of products unchanged.
 * @param float the float layer and the mean of each element of its input there
 * @param quantized the quantized layer (same node) and the mean of each element of its input's integers
 */
export function correctedBiases(
  float: { readonly graph: Graph; readonly node: Node; readonly mean: Float64Array },
  quantized: { readonly graph: Graph; readonly node: Node; readonly mean: Float64Array },
): Float64Array {
  const [, w, b] = inputsOf(float.graph, float.node) as [Tensor, Tensor, Tensor];
  const [xq, wq] = inputsOf(quantized.graph, quantized.node) as [Tensor, Tensor];
  const channels = b.data!.length;
  const wanted = meanProducts(w.data as Float32Array, channels, patchMeans(float.graph, float.node, float.mean));
  const real = realMean(must(xq.quant, 'input quantization'), quantized.mean);
  const patches = patchMeans(quantized.graph, quantized.node, real);
  const got = meanProducts(wq.data as Int8Array, channels, patches);
  const scales = must(wq.quant, 'weight quantization').scale;
  return Float64Array.from(b.data as Float32Array, (bias, o) => bias + wanted[o]! - got[o]! * scales[o]!);
}

function realMean({ scale, zeroPoint }: QuantParams, mean: Float64Array): Float64Array {
  return mean.map((q) => scale[0]! * (q - zeroPoint));
}
