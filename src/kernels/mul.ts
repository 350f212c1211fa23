import { inputsOf, outputOf } from '../graph/build.ts';
import type { MulOp } from '../graph/types.ts';
import { largestSum } from '../numeric/requantize.ts';
import { mulFactor } from '../ops/float32.ts';
import { mulRequantizer } from '../ops/mul.ts';
import { integerClamp, quantOf } from '../ops/quantized.ts';
import { floatLiteral } from './add-float32.ts';
import { elementwiseView } from './elementwise.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/** No product of two int8 less their zero points is larger. */
const largestProduct = 255 * 255;

/** Products in 32 bits, requantized: gates of Squeeze-and-Excite. */
export const mul: Kernel<MulOp> = {
  name: 'mul',
  op: 'mul',
  summary: 'product of two tensors in 32 bits, 16 elements at a time',
  inPlace: true,
  misfit: (node, graph) => {
    if (node.op.requant === 'float32') return undefined;
    const largest = largestSum(mulRequantizer(inputsOf(graph, node), outputOf(graph, node)));
    return largestProduct <= largest ? undefined : 'products times the ratio of the scales exceed 32 bits';
  },
  cost: (node, graph) => perSixteen(node, graph, 45),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const tensors = inputsOf(graph, node);
    const y = outputOf(graph, node);
    const [zeroA, zeroB] = tensors.map((t) => quantOf(t).zeroPoint);
    const common = { zeroA, zeroB, ...integerClamp(y, node.op.clamp) };
    const view = elementwiseView('mul', node, graph, inputs, output);
    if (node.op.requant === 'float32') {
      return { ...common, ...view, float32: true, factor: floatLiteral(mulFactor(tensors, y)) };
    }
    const { leftShift: left, multiplier, shift } = mulRequantizer(tensors, y);
    return { ...common, ...view, float32: false, left, multiplier: multiplier[0], shift: -shift[0]! };
  },
};
