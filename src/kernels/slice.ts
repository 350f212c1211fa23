import { must } from '../core/must.ts';
import { inputsOf } from '../graph/build.ts';
import type { SliceOp } from '../graph/types.ts';
import { copyLoops } from './copy.ts';
import type { Kernel } from './kernel.ts';
import { axisStrides } from './loops.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/** Copies runs of the input that the output keeps. */
export const slice: Kernel<SliceOp> = {
  name: 'slice',
  op: 'slice',
  summary: 'copy of a part',
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 4),
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const { starts, steps, sizes } = node.op;
    const from = axisStrides(must(inputsOf(graph, node)[0], 'x').shape, must(inputs[0], 'x'));
    const to = axisStrides(sizes, output);
    const offset = from.reduce((sum, stride, axis) => sum + stride * starts[axis]!, 0);
    const loops = sizes.map((count, axis) => ({ count, strides: [from[axis]! * steps[axis]!, to[axis]!] }));
    return copyLoops(loops, { name: 'y', offset: 0 }, { name: 'x', offset });
  },
};
