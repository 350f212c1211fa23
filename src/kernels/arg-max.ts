import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { ArgMaxOp } from '../graph/types.ts';
import type { Kernel } from './kernel.ts';
import { axisStrides, mergeLoops, nestLoops } from './loops.ts';
import { nothingPacked, outputSize } from './simple.ts';

/** The largest element, in NEON 16 at a time where they lie next to each other; then the first or last one like it. */
export const argMax: Kernel<ArgMaxOp> = {
  name: 'arg-max',
  op: 'argMax',
  summary: 'maximum, then a search for it',
  misfit: () => undefined,
  cost: (node, graph) => {
    const count = must(inputsOf(graph, node)[0], 'x').shape[node.op.axis] ?? 1;
    return { instructions: 20 + outputSize(node, graph) * (10 + 3 * count) };
  },
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const x = must(inputsOf(graph, node)[0], 'x');
    const y = outputOf(graph, node);
    const [from, to] = [axisStrides(x.shape, must(inputs[0], 'x')), axisStrides(y.shape, output)];
    const { axis, last } = node.op;
    const others = y.shape.map((count, i) => ({ count, strides: [from[i]!, to[i]!] }));
    const count = must(x.shape[axis], 'extent');
    const step = must(from[axis], 'stride');
    return {
      count,
      last,
      vectors: step === 1 ? Math.floor(count / 16) * 16 : 0,
      element: `from[${indexed('k', step)}]`,
      candidate: `from[${indexed('index', step)}]`,
      rows: nestLoops(mergeLoops(others), ['x', 'y'], 'arg-max-leaf', ([p, q]) => ({
        x: must(p, 'x').address,
        y: must(q, 'y').first,
      })),
    };
  },
};

function indexed(index: string, step: number): string {
  return step === 1 ? index : `${index} * ${step}`;
}
