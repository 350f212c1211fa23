import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { PReluOp } from '../graph/types.ts';
import { preluMultipliers } from '../ops/prelu.ts';
import { integerClamp, quantOf } from '../ops/quantized.ts';
import type { Kernel } from './kernel.ts';
import { outputSize } from './simple.ts';

/** Channels in the lanes: times one factor, or below zero times the channel's, and a rounding shift. */
export const prelu: Kernel<PReluOp> = {
  name: 'prelu',
  op: 'prelu',
  summary: 'a factor for each channel below zero, 16 channels at a time',
  inPlace: true,
  misfit: () => undefined,
  cost: (node, graph) => {
    const channels = node.op.slopes.length;
    return { instructions: 20 + (outputSize(node, graph) / channels) * Math.ceil(channels / 16) * 40 };
  },
  pack: (node, graph) => {
    const { negative } = preluMultipliers(node.op, must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node));
    // Loads of sixteen never leave the array.
    const data = new Int16Array(Math.ceil(negative.length / 16) * 16);
    data.set(negative);
    return { arrays: [{ name: 'slopes', data, comment: 'factors below zero, of each channel' }] };
  },
  view: ({ graph, node, inputs, output, arrayName }) => {
    const [x, y] = [must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node)];
    const { positive, shift } = preluMultipliers(node.op, x, y);
    return {
      slopes: arrayName('slopes'),
      positive,
      shift: -shift,
      zeroIn: quantOf(x).zeroPoint,
      ...integerClamp(y, undefined),
      x: must(inputs[0], 'x'),
      y: output,
      tail: output.channels % 16 !== 0,
    };
  },
};
