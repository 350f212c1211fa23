import type { ExtremumOp } from '../graph/types.ts';
import { elementwiseView } from './elementwise.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/** Operands on one grid compare as their steps do. */
export const extremum: Kernel<ExtremumOp> = {
  name: 'extremum',
  op: 'extremum',
  summary: 'larger or smaller of two tensors, 16 elements at a time',
  inPlace: true,
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 6),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => ({
    max: node.op.fn === 'max',
    ...elementwiseView('extremum', node, graph, inputs, output),
  }),
};
