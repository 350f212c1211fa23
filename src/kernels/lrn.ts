import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { LrnOp } from '../graph/types.ts';
import { lrnTable, windowOf } from '../ops/lrn.ts';
import { integerClamp, quantOf } from '../ops/quantized.ts';
import type { Kernel } from './kernel.ts';
import { blocksOf } from './pool.ts';

/** Squares of a pixel's channels on the stack, their sums 16 channels at a time, one table entry an element. */
export const lrn: Kernel<LrnOp> = {
  name: 'lrn',
  op: 'lrn',
  summary: 'sums of squares over neighbouring channels; factors from a table with linear interpolation',
  inPlace: true,
  misfit: () => undefined,
  cost: (node, graph) => ({ instructions: 20 + blocksOf(node, graph) * (130 + 6 * node.op.size) }),
  pack: (node, graph) => {
    const { base, slope, shift } = lrnTable(node.op, must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node));
    const data = Int32Array.from(base, (b, i) => slope[i]! * 2 ** 16 + b);
    return { arrays: [{ name: 'factors', data, comment: `2^16 * slope + factor, in units of 2^-${shift}` }] };
  },
  view: ({ graph, node, inputs, output, arrayName }) => {
    const [x, y] = [must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node)];
    const [before, after] = windowOf(node.op);
    const { channels } = output;
    return {
      factors: arrayName('factors'),
      shift: -lrnTable(node.op, x, y).shift,
      zeroIn: quantOf(x).zeroPoint,
      ...integerClamp(y, undefined),
      before: -before,
      after,
      size: node.op.size,
      // Whole blocks of 16 channels are squared and summed.
      squares: Math.ceil(channels / 16) * 16 + node.op.size - 1,
      x: must(inputs[0], 'x'),
      y: output,
      tail: channels % 16 !== 0,
    };
  },
};
