import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { DiffuseOp, Graph, Node } from '../graph/types.ts';
import { diffusionOf } from '../ops/diffusion.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit } from './pool.ts';
import { nothingPacked } from './simple.ts';

/** Of 16 elements, as counted: 13 or 14 of arithmetic and memory, and the loop's. */
const vectorInstructions = 17.2;

/** Sixteen elements at a time; the errors of the row above are kept, and each pixel's take the place of those that it has read. */
export const diffuse: Kernel<DiffuseOp> = {
  name: 'diffuse',
  op: 'diffuse',
  summary: 'fewer steps with error diffusion, 16 elements at a time',
  inPlace: true,
  denseOutput: true,
  misfit: batchMisfit,
  cost: (node, graph) => {
    const { wholeRows, runs, run } = runsOf(node, graph);
    return { instructions: 40 + runs * ((wholeRows ? 10 : 0) + Math.ceil(run / 16) * vectorInstructions) };
  },
  scratch: (node, graph) => runsOf(node, graph).errorBytes,
  pack: () => nothingPacked,
  view: ({ graph, node, inputs, output }) => {
    const diffusion = diffusionOf(must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node));
    const runs = runsOf(node, graph);
    return {
      ...diffusion,
      cell: 2 ** diffusion.shift,
      shiftRight: diffusion.rounding === 0 ? 'vshrq_n_s8' : 'vrshrq_n_s8',
      ...runs,
      x: must(inputs[0], 'x'),
      y: output,
      tail: runs.run % 16 !== 0,
    };
  },
};

/** What is worked through in one go: a row, unless a vector of 16 elements would hold a pixel and its left one. */
function runsOf(node: Node<DiffuseOp>, graph: Graph) {
  const [, height, width, channels] = outputOf(graph, node).shape as [number, number, number, number];
  const wholeRows = channels >= 16;
  const run = wholeRows ? width * channels : channels;
  /** Bytes from the errors of a pixel to those of the next. */
  const distance = wholeRows ? channels : 16;
  // The left neighbours of the first pixel, the row, and what the last vector writes beyond it.
  const errorBytes = (width + 1) * distance + (wholeRows ? 15 : 0);
  return { wholeRows, runs: wholeRows ? height : height * width, run, distance, errorBytes };
}
