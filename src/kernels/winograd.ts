import type { Graph, Node, WinogradOp } from '../graph/types.ts';
import type { Kernel } from './kernel.ts';
import {
  blockingOf,
  productInstructions,
  scratchOf,
  tileBorder,
  type WinogradLayer,
  winogradLayer,
} from './winograd/layout.ts';
import { packWinograd } from './winograd/pack.ts';
import { isExact, winogradView } from './winograd/view.ts';

/** Instructions of the input's transform of a tile and 8 channels (exact: 16), and of the output's of a tile and four channels. */
const transformInstructions = { 2: { input: 110, exact: 75, output: 90 }, 4: { input: 370, exact: 370, output: 240 } };

function predicted(layer: WinogradLayer): number {
  const { node, tiles, tapBytes, outputs } = layer;
  const { input, exact, output } = transformInstructions[node.op.tile];
  const perTile = isExact(layer) ? (tapBytes / 16) * exact : (tapBytes / 8) * input;
  return tiles * (perTile + Math.ceil(outputs / 4) * output) + productInstructions(layer, blockingOf(layer).group);
}

function misfit(node: Node<WinogradOp>, graph: Graph): string | undefined {
  const { integer } = winogradLayer(node, graph);
  if (integer.requant !== 'fixed') return 'it requantizes in another format than fixed';
  const { bits, lanes, step } = integer.accumulator;
  if (bits > 16 || lanes !== 8 || step !== 16) return 'its sums are not in 8 lanes of 16 bits';
  return undefined;
}

/**
 * Winograd convolution: block after block of tiles, the input's transform with channels in the lanes, each tap's products with
 * K in the lanes as `conv-k-lanes` makes them, the sums' transform with output channels in the lanes.
 */
export const winograd: Kernel<WinogradOp> = {
  name: 'winograd',
  op: 'winograd',
  summary: 'tiles transformed to int8 taps, products in 8 lanes of 16 bits, sums transformed in 32 bits',
  misfit,
  cost: (node, graph) => ({ instructions: predicted(winogradLayer(node, graph)) }),
  border: (node, graph) => tileBorder(winogradLayer(node, graph)),
  scratch: (node, graph) => scratchOf(winogradLayer(node, graph)).bytes,
  pack: (node, graph) => packWinograd(winogradLayer(node, graph)),
  view: (context) => winogradView(context, winogradLayer(context.node, context.graph)),
};
