import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { AddOp } from '../graph/types.ts';
import { addMultipliers, integerClamp, quantOf } from '../ops/quantized.ts';
import { elementwiseView } from './elementwise.ts';
import type { Kernel } from './kernel.ts';

import { nothingPacked, perSixteen } from './simple.ts';

/** Both operands times a 15-bit factor, summed in 32 bits, one rounding shift: residual sums of two scales. */
export const add: Kernel<AddOp> = {
  name: 'add',
  op: 'add',
  summary: 'sum of two scaled tensors, 16 elements at a time',
  inPlace: true,
  misfit: (node) => (node.op.requant === 'float32' ? 'it adds in float32' : undefined),
  cost: (node, graph) => perSixteen(node, graph, 37),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const tensors = inputsOf(graph, node);
    const y = outputOf(graph, node);
    const { multipliers, shift } = addMultipliers(node.op, tensors, y);
    const { lo, hi, zeroPoint } = integerClamp(y, node.op.clamp);
    const bias = -tensors.reduce((sum, t, i) => sum + quantOf(t).zeroPoint * must(multipliers[i], 'multiplier'), 0);
    const constants = { factorA: multipliers[0], factorB: multipliers[1], bias, shift: -shift, zeroPoint, lo, hi };
    return { ...constants, rightShift: shift, ...elementwiseView('add', node, graph, inputs, output) };
  },
};
