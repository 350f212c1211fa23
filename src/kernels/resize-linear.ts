import { must } from '../core/must.ts';
import { inputsOf } from '../graph/build.ts';
import type { ResizeOp } from '../graph/types.ts';
import { neighbours, weightBits } from '../ops/resize-positions.ts';
import type { ConstantArray, Kernel } from './kernel.ts';
import { batchMisfit, blocksOf } from './pool.ts';

/** Four neighbours weighted in 32 bits, channels in the lanes. */
export const resizeLinear: Kernel<ResizeOp> = {
  name: 'resize-linear',
  op: 'resize',
  summary: 'four neighbours with weights of 11 bits, 16 channels at a time',
  misfit: (node, graph) => (node.op.mode === 'linear' ? batchMisfit(node, graph) : 'it does not interpolate'),
  cost: (node, graph) => ({ instructions: 20 + blocksOf(node, graph) * 66 }),
  pack: (node, graph) => {
    const [, height, width] = must(inputsOf(graph, node)[0], 'x').shape as [number, number, number];
    return { arrays: [arrayOf('rows', node.op, 0, height), arrayOf('columns', node.op, 1, width)] };
  },
  view: ({ inputs, output, arrayName }) => ({
    rows: arrayName('rows'),
    columns: arrayName('columns'),
    bits: weightBits,
    right: 2 * weightBits,
    x: must(inputs[0], 'x'),
    y: output,
    tail: output.channels % 16 !== 0,
  }),
};

function arrayOf(name: string, op: ResizeOp, axis: 0 | 1, extent: number): ConstantArray {
  const data = Int32Array.from(neighbours(op, axis, extent).flatMap((n) => [n.first, n.second, n.weight]));
  return { name, data, comment: `for each output: both neighbours, weight of the second in units of 2^-${weightBits}` };
}
