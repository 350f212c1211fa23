import { must } from '../core/must.ts';
import { outputOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { ConcatOp } from '../graph/types.ts';
import { copyView } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/**
 * Copies one input into its slice of the output. Most concatenations need none of this: their producers write into the
 * slices (`plan/concat`).
 */
export const concat: Kernel<ConcatOp> = {
  name: 'concat',
  op: 'concat',
  summary: 'copy into a slice of the concatenation',
  misfit: (node, graph) => {
    const { shape } = outputOf(graph, node);
    const { axis } = node.op;
    // Along an axis before the last two, a slice is a block of rows only if nothing is repeated outside of it.
    if (axis >= shape.length - 2 || sizeOf(shape.slice(0, axis)) === 1) return undefined;
    return `joins axis ${axis} of a batch`;
  },
  cost: (node, graph) => perSixteen(node, graph, 4),
  pack: () => nothingPacked,
  // The operand's extents are those of the one input that the step copies.
  view: ({ inputs, output }) => {
    const input = must(inputs[0], 'x');
    return copyView([input.height, input.width, input.channels], input, output);
  },
};
