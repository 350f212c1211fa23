import { inputsOf, outputOf } from '../graph/build.ts';
import type { AddOp } from '../graph/types.ts';
import { addFactors } from '../ops/float32.ts';
import { integerClamp } from '../ops/quantized.ts';
import { elementwiseView } from './elementwise.ts';
import type { Kernel } from './kernel.ts';

import { nothingPacked, perSixteen } from './simple.ts';

/** As ONNX Runtime's QLinearAdd: two fused multiply-adds in float32, rounded to nearest. */
export const addFloat32: Kernel<AddOp> = {
  name: 'add-float32',
  op: 'add',
  summary: 'sum of two scaled tensors in float32, 16 elements at a time',
  inPlace: true,
  misfit: (node) => (node.op.requant === 'float32' ? undefined : 'it adds in fixed point'),
  cost: (node, graph) => perSixteen(node, graph, 40),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const y = outputOf(graph, node);
    const { factors, offset } = addFactors(inputsOf(graph, node), y);
    const { lo, hi } = integerClamp(y, node.op.clamp);
    return {
      factorA: floatLiteral(factors[0]),
      factorB: floatLiteral(factors[1]),
      offset: floatLiteral(offset),
      lo,
      hi,
      ...elementwiseView('add-float32', node, graph, inputs, output),
    };
  },
};

/** A float32 value that C reads back exactly. */
export function floatLiteral(value: number): string {
  const digits = value.toPrecision(9).replace(/^(-?\d+)(e|$)/, '$1.0$2');
  return `${digits}f`;
}
