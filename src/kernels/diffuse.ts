import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { DiffuseOp } from '../graph/types.ts';
import { diffusionOf } from '../ops/diffusion.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit, blocksOf } from './pool.ts';
import { nothingPacked } from './simple.ts';

/** Channels in the lanes; the errors of the row above are kept, and each pixel's take the place of those that it has read. */
export const diffuse: Kernel<DiffuseOp> = {
  name: 'diffuse',
  op: 'diffuse',
  summary: 'fewer steps with error diffusion, 16 channels at a time',
  inPlace: true,
  misfit: batchMisfit,
  cost: (node, graph) => ({ instructions: 40 + blocksOf(node, graph) * 18 }),
  scratch: (node, graph) => {
    const [, , width, channels] = outputOf(graph, node).shape as [number, number, number, number];
    return (width + 1) * errorStride(channels);
  },
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const x = must(inputs[0], 'x');
    const { shift, middle, lo, hi } = diffusionOf(must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node));
    const stride = errorStride(x.channels);
    return {
      shift,
      middle,
      cell: 2 ** shift,
      round: middle === 0 ? 'vrshrq_n_s8' : 'vshrq_n_s8',
      rounding: ((2 ** shift) >> 1) - middle,
      lo,
      hi,
      stride,
      errorBytes: (x.width + 1) * stride,
      x,
      y: output,
      tail: x.channels % 16 !== 0,
    };
  },
};

/** Bytes of a pixel's errors. */
function errorStride(channels: number): number {
  return Math.ceil(channels / 16) * 16;
}
