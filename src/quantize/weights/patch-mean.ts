import { must } from '../../core/must.ts';
import { inputsOf, isKind } from '../../graph/build.ts';
import type { Conv2dOp, Graph, Node, Tensor } from '../../graph/types.ts';

/**
 * The mean operand of each product of a reduction: of x_k over all output positions, padding counted as 0. Means go
 * through sums unchanged, so mean(Σ w_k·x_k) = Σ w_k·mean(x_k), and the mean image of many samples stands for them all.
 * @param mean the mean of each element of the layer's input, in the tensor's own order, real units
 * @returns groups × length; output channel o reads row ⌊o / (channels/groups)⌋
 */
export function patchMeans(graph: Graph, node: Node, mean: Float64Array): Float64Array {
  const [x, w] = inputsOf(graph, node) as [Tensor, Tensor];
  if (isKind(node, 'conv2d')) {
    const [, height, width] = must(graph.tensors.get(node.outputs[0]!), 'output').shape as [number, number, number];
    return convPatchMeans(node.op, x, w, [height, width], mean);
  }
  const length = w.shape[1]!;
  const rows = mean.length / length;
  const out = new Float64Array(length);
  for (let i = 0; i < mean.length; i++) out[i % length]! += mean[i]! / rows;
  return out;
}

function convPatchMeans(
  op: Conv2dOp,
  x: Tensor,
  w: Tensor,
  [outHeight, outWidth]: [number, number],
  mean: Float64Array,
): Float64Array {
  const [, height, width, channelsIn] = x.shape as [number, number, number, number];
  const [, kh, kw, perGroup] = w.shape as [number, number, number, number];
  const length = kh * kw * perGroup;
  const out = new Float64Array(op.groups * length);
  const row = new Float64Array(channelsIn);
  for (let ky = 0; ky < kh; ky++) {
    const ys = covered(ky * op.dilations[0] - op.pads[0], op.strides[0], outHeight, height);
    for (let kx = 0; kx < kw; kx++) {
      const xs = covered(kx * op.dilations[1] - op.pads[1], op.strides[1], outWidth, width);
      row.fill(0);
      for (const iy of ys) {
        for (const ix of xs) {
          const from = (iy * width + ix) * channelsIn;
          for (let c = 0; c < channelsIn; c++) row[c]! += mean[from + c]!;
        }
      }
      for (let c = 0; c < channelsIn; c++) {
        const group = Math.floor(c / perGroup);
        out[group * length + (ky * kw + kx) * perGroup + (c % perGroup)] = row[c]! / (outHeight * outWidth);
      }
    }
  }
  return out;
}

/** Input coordinates inside the image that one kernel coordinate meets. */
function covered(offset: number, stride: number, outputs: number, extent: number): number[] {
  return Array.from({ length: outputs }, (_, o) => o * stride + offset).filter((i) => i >= 0 && i < extent);
}

/**
 * Σ_k w_k·x_k for each output channel.
 * @param weights channels × length
 * @param patches groups × length
 */
export function meanProducts(weights: Float32Array | Int8Array, channels: number, patches: Float64Array): Float64Array {
  const length = weights.length / channels;
  const perGroup = channels / (patches.length / length);
  return Float64Array.from({ length: channels }, (_, o) => {
    const from = Math.floor(o / perGroup) * length;
    let sum = 0;
    for (let k = 0; k < length; k++) sum += weights[o * length + k]! * patches[from + k]!;
    return sum;
  });
}
