import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { PadOp } from '../graph/types.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { copyLoops } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { axisStrides, mergeLoops, nestLoops, splitRuns } from './loops.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/** Fills the output with the padding's value, then copies the input into its middle. */
export const pad: Kernel<PadOp> = {
  name: 'pad',
  op: 'pad',
  summary: 'fill, then copy of the input into the middle',
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 4),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const [x] = inputsOf(graph, node);
    const y = outputOf(graph, node);
    const { shape } = must(x, 'x');
    const from = axisStrides(shape, must(inputs[0], 'x'));
    const to = axisStrides(y.shape, output);
    const middle = to.reduce((offset, stride, axis) => offset + stride * node.op.pads[axis]!, 0);
    const value = quantizeValue(node.op.value, must(y.quant, 'quantization'));
    const { outer, run } = splitRuns(mergeLoops(y.shape.map((count, axis) => ({ count, strides: [to[axis]!] }))));
    return {
      fill: nestLoops(outer, ['y'], 'fill-leaf', ([target]) => ({ to: must(target, 'y').address, value, bytes: run })),
      copy: copyLoops(
        shape.map((count, axis) => ({ count, strides: [from[axis]!, to[axis]!] })),
        { name: 'y', offset: middle },
      ).loops,
    };
  },
};
