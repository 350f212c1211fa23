import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { ChannelCarries, DiffuseOp, Graph, Node } from '../graph/types.ts';
import { CARRY_BLOCK, carriesFit } from '../ops/carries.ts';
import { diffusionOf } from '../ops/diffusion.ts';
import { quantOf } from '../ops/quantized.ts';
import type { Kernel, Packed } from './kernel.ts';
import { batchMisfit } from './pool.ts';
import { nothingPacked } from './simple.ts';

/** Of 16 elements, as counted: 17 of arithmetic and memory, and the loop's. */
const vectorInstructions = 20;
/** Of what 16 channels carry to 16 others, as counted: 72 of loads and products, and the sums' widening. */
const carryInstructions = 84;
/** Of what is carried to 16 channels, beyond that. */
const carriedInstructions = 23;
/** Of what 16 channels add up to, as counted, where there is room for it; where there is not, which is rare, 160 more. */
const sumInstructions = 8;
/** Of leaving out lanes that are of no channel: for each vector of several whose last one has some. */
const tailInstructions = 6;
/** Of a loop over several vectors, as counted; where anything is carried, it is in what that takes. */
const loopInstructions = 10;

/** Sixteen elements at a time; the errors of the row above are kept, and each pixel's take the place of those that it has read. */
export const diffuse: Kernel<DiffuseOp> = {
  name: 'diffuse',
  op: 'diffuse',
  summary: 'fewer steps with error diffusion, 16 elements at a time',
  inPlace: true,
  denseOutput: true,
  misfit: batchMisfit,
  cost: (node, graph) => {
    const { runs, run, tail } = runsOf(node, graph);
    const { carries, pixelSum } = node.op;
    const vectors = Math.ceil(run / 16);
    const loops = vectors > 1;
    const summed = pixelSum === undefined ? 0 : sumInstructions + (loops && tail ? tailInstructions : 0);
    const carried = carries ? carriedInstructions * vectors + (vectors * (vectors - 1) * carryInstructions) / 2 : 0;
    const loop = loops && !carries ? loopInstructions : 0;
    return { instructions: 40 + runs * (loop + vectors * (vectorInstructions + summed) + carried) };
  },
  scratch: (node, graph) => runsOf(node, graph).errorBytes,
  pack: ({ op, origin }) => (op.carries ? packedCarries(op.carries, origin.name) : nothingPacked),
  view: ({ graph, node, inputs, output, arrayName }) => {
    const [x, y] = [must(inputsOf(graph, node)[0], 'x'), outputOf(graph, node)];
    const diffusion = diffusionOf(x, y);
    const { qmin, qmax } = quantOf(y);
    const runs = runsOf(node, graph);
    const { carries, pixelSum } = node.op;
    if (pixelSum !== undefined && !diffusion.keepsZeros) throw invariant(`pixels of ${y.id} have no lowest sum`);
    return {
      ...diffusion,
      step: 2 ** diffusion.shift,
      zero: quantOf(x).zeroPoint,
      qmin,
      qmax,
      carries: carries && arrayName('carries'),
      carryShift: carries?.shift,
      /** What is rounded: with what is carried, where anything is. */
      rounded: carries ? 'all' : 't',
      pixelSum,
      /** What takes an integer of the output to its steps from the lowest. */
      fromLowest: -qmin,
      ...runs,
      x: must(inputs[0], 'x'),
      y: output,
    };
  },
};

/**
 * What is worked through in one go: a row, unless a vector of 16 elements would hold a pixel and its left one, or needs all before it in
 * its pixel, or what these leave of the pixel's sum.
 */
function runsOf(node: Node<DiffuseOp>, graph: Graph) {
  const [, height, width, channels] = outputOf(graph, node).shape as [number, number, number, number];
  const { carries, pixelSum } = node.op;
  const wholeRows = channels >= 16 && carries === undefined && pixelSum === undefined;
  const run = wholeRows ? width * channels : channels;
  /** Bytes from the errors of a pixel to those of the next. */
  const distance = wholeRows ? channels : Math.ceil(channels / 16) * 16;
  // The left neighbours of the first pixel, the row, and what the last vector writes beyond it.
  const errorBytes = (width + 1) * distance + (wholeRows ? 15 : 0);
  return { wholeRows, runs: wholeRows ? height : height * width, run, tail: run % 16 !== 0, distance, errorBytes };
}

/** Block after block of 16 channels; of each, for each channel of the blocks before it, the weights of the 16. */
function packedCarries({ weights }: ChannelCarries, name: string): Packed {
  const channels = Math.sqrt(weights.length);
  if (!carriesFit(weights, channels)) throw invariant(`16 bits do not hold what channels of ${name} carry`);
  const data: number[] = [];
  for (let block = CARRY_BLOCK; block < channels; block += CARRY_BLOCK) {
    for (let j = 0; j < block; j++) {
      for (let c = block; c < block + CARRY_BLOCK; c++) data.push(c < channels ? weights[c * channels + j]! : 0);
    }
  }
  const comment = 'what 16 channels take from the errors of each before them: blocks of 16 x channels before x 16';
  return { arrays: [{ name: 'carries', data: Int8Array.from(data), comment }] };
}
