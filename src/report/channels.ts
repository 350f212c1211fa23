import { must } from '../core/must.ts';
import type { Graph, NodeId } from '../graph/types.ts';
import { type OperandRange, preloadOf, type SumRange, utilizationOf, widest } from '../proof/accumulator.ts';
import { certify, integerLayerOf, isIntegerNode } from '../proof/certify.ts';

/** What the widest accumulator of one output channel can hold; in the Winograd domain, of one tap of it. */
export interface ChannelUse {
  /** All values that its sum can have: proven, or measured and widened by the guard factor. */
  readonly range: SumRange;
  /** What the accumulator starts from so that they fit. */
  readonly preload: number;
  /** The share of the accumulator's 2^bits values. */
  readonly use: number;
}

/** The accumulators of a layer with weights. */
export interface LayerChannels {
  readonly proven: boolean;
  readonly bits: number;
  readonly lanes: number;
  readonly segments: number;
  /** What is multiplied by the weights: the ranges of the proof. */
  readonly operands: OperandRange;
  /** Sums of each channel: 1, or the taps of a tile in the Winograd domain. */
  readonly taps: number;
  /** Channel after channel, tap after tap. */
  readonly channels: readonly ChannelUse[];
}

/**
 * Proves a quantized graph once more, from its integer weights.
 * @throws as `certify` does where there is no proof
 */
export function layerChannels(graph: Graph): ReadonlyMap<NodeId, LayerChannels> {
  const proofs = certify(graph);
  return new Map(
    graph.nodes.filter(isIntegerNode).map((node) => {
      const { integer, operands, bias } = integerLayerOf(graph, node);
      const { bits, lanes, segments } = integer.accumulator;
      const proof = proofs.get(node.id);
      const ranges = proof?.worst ?? must(integer.sums, `measured sums of ${node.id}`).map(widest);
      const channels = ranges.map((range) => ({
        range,
        preload: preloadOf(range, bits),
        use: utilizationOf(range, bits),
      }));
      const taps = channels.length / bias.data.length;
      const layer = { proven: proof !== undefined, bits, lanes, segments: segments.length, operands, taps, channels };
      return [node.id, layer];
    }),
  );
}

/** What the proof assumes of the operands, for people. */
export function operandsText({ lo, hi, pixels }: OperandRange): string {
  const range = `${lo} to ${hi}`;
  return pixels === undefined ? range : `${range}, those of a pixel together at most ${pixels.sum} above ${lo}`;
}
