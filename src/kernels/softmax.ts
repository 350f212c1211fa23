import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { SoftmaxOp } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import { exponentialsOf, softmaxGrid } from '../ops/softmax.ts';
import { largestSoftmax } from '../ops/tables.ts';
import type { Kernel } from './kernel.ts';
import { axisStrides, mergeLoops, nestLoops } from './loops.ts';
import { outputSize } from './simple.ts';

/** Exponentials from a table, summed in 32 bits, one integer division an element: the same steps on every processor. */
export const softmax: Kernel<SoftmaxOp> = {
  name: 'softmax',
  op: 'softmax',
  summary: 'exponentials from a table, integer division',
  inPlace: true,
  misfit: (node, graph) => {
    const count = outputOf(graph, node).shape[node.op.axis] ?? 0;
    return count <= largestSoftmax ? undefined : `a softmax over ${count} elements`;
  },
  cost: (node, graph) => ({ instructions: 30 + 20 * outputSize(node, graph) }),
  pack: (node, graph) => {
    const data = exponentialsOf(node, must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node));
    const unit = data instanceof Uint32Array ? String(data[0]) : '2^14';
    return { arrays: [{ name: 'exponentials', data, comment: `${unit} * exp(-scale * d) of d = 0, 1, ... 255` }] };
  },
  view: ({ graph, node, inputs, output, arrayName }) => {
    const y = outputOf(graph, node);
    const [from, to] = [axisStrides(y.shape, must(inputs[0], 'x')), axisStrides(y.shape, output)];
    const { axis } = node.op;
    const others = y.shape.map((count, i) => ({ count: i === axis ? 1 : count, strides: [from[i]!, to[i]!] }));
    const { qmin, qmax } = quantOf(y);
    const constants = {
      wide: node.op.requant === 'float32',
      table: arrayName('exponentials'),
      count: must(y.shape[axis], 'extent'),
      stepX: must(from[axis], 'stride'),
      stepY: must(to[axis], 'stride'),
      lo: qmin,
      hi: qmax,
      ...softmaxGrid(node, y),
    };
    return {
      count: constants.count,
      parts: constants.parts,
      unit: constants.wide ? 'its table of' : '2^14 *',
      rows: nestLoops(mergeLoops(others), ['x', 'y'], 'softmax-leaf', (references) => ({
        ...constants,
        x: must(references[0], 'x').address,
        y: must(references[1], 'y').address,
      })),
    };
  },
};
