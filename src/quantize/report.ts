import { isKind, producerOf } from '../graph/build.ts';
import type { Graph, NodeId } from '../graph/types.ts';
import { dataWidth } from '../ops/quantized.ts';
import {
  type AccumulatorProof,
  type SumRange,
  sumRanges,
  utilizationOf,
  widest,
  windowBudget,
} from '../proof/accumulator.ts';
import { certify, type IntegerLayer, type IntegerNode, integerLayerOf, isIntegerNode } from '../proof/certify.ts';
import type { WinogradDecision, WinogradDecisions } from './winograd/decide.ts';

/** What `--json` says about a layer with weights (DESIGN §10). */
export interface LayerReport {
  /** The ONNX node. */
  readonly name: string;
  /** Bits of the input. */
  readonly dataBits: number;
  /** Steps of the input, where they are not all that its bits have: 5, of the 7 of 3 bits. */
  readonly dataSteps?: number;
  /** Where the errors of rounding the input to these steps are diffused: to other pixels only, or to other channels, too. */
  readonly diffused?: 'pixels' | 'channels';
  /** What the channels of a pixel of the input add up to at most, in steps, where that is kept. */
  readonly pixelSum?: number;
  /** Bits that the integer weights of a channel need, averaged over the channels. */
  readonly weightBits: number;
  readonly accBits: number;
  readonly lanes: number;
  /** Number of segments: flushes into 32 bits, the last one included. */
  readonly segments: number;
  /** The widest sum's share of the accumulator's window, averaged over the channels; 1 is all of it. */
  readonly utilization: number;
  readonly proven: boolean;
  /** Σ|w| that each accumulator provably holds, wherever the weights are: where pixels keep a sum, most hold more. */
  readonly budget: number;
  /** The narrowest single accumulator that provably holds a whole dot product: one lane, no flush, any input. */
  readonly scalarBits: number;
  /** Signal-to-noise ratio of the output in dB, predicted from the rounding of data and weights. */
  readonly sqnr?: number;
  /** Where the layer has a form in the Winograd domain and one was asked for: what was decided, and why. */
  readonly winograd?: WinogradDecision;
  /** Why the quantizer chose these widths and segments, where it did. */
  readonly why?: string;
}

/** What only the quantizer knows. */
export interface Decision {
  /** Relative squared error of the layer's output. */
  readonly noise: number;
  readonly why: string;
}

/**
 * Certifies a quantized graph and describes its layers.
 * @param decisions of the quantizer, where it is there to say
 */
export function layerReports(
  graph: Graph,
  decisions: ReadonlyMap<NodeId, Decision> = new Map(),
  domains: WinogradDecisions = new Map(),
): LayerReport[] {
  const proofs = certify(graph);
  return graph.nodes.filter(isIntegerNode).map((node) => {
    const decision = decisions.get(node.id);
    // What is known of the noise is that of the direct layer.
    const own = decision && node.op.kind === 'winograd' ? { ...decision, noise: 0 } : decision;
    const winograd = domains.get(node.id);
    const diffused = diffusedTo(graph, node);
    return {
      ...reportOf(integerLayerOf(graph, node), proofs.get(node.id), own),
      ...(diffused && { diffused }),
      ...(winograd && { winograd }),
    };
  });
}

function diffusedTo(graph: Graph, node: IntegerNode): LayerReport['diffused'] {
  const producer = producerOf(graph, node.inputs[0]!);
  if (producer === undefined || !isKind(producer, 'diffuse')) return undefined;
  return producer.op.carries === undefined ? 'pixels' : 'channels';
}

function reportOf(
  layer: IntegerLayer,
  proof: AccumulatorProof | undefined,
  decision: Decision | undefined,
): LayerReport {
  const { node, x, integer } = layer;
  const { accumulator } = integer;
  const { bits, steps } = dataWidth(x);
  const channels = magnitudesOf(layer);
  return {
    name: node.origin.name,
    dataBits: bits,
    ...(steps !== undefined && { dataSteps: steps }),
    weightBits: round(mean(channels.map(signedBits)), 1),
    accBits: accumulator.bits,
    lanes: accumulator.lanes,
    segments: accumulator.segments.length,
    utilization: round(mean(widestSums(layer, proof).map((range) => utilizationOf(range, accumulator.bits))), 3),
    proven: proof !== undefined,
    ...(layer.operands.pixels && { pixelSum: layer.operands.pixels.sum }),
    budget: windowBudget(accumulator.bits, layer.operands),
    scalarBits: scalarBits(layer, channels),
    ...(decision && decision.noise > 0 && { sqnr: round(-10 * Math.log10(decision.noise), 1) }),
    ...(decision && { why: decision.why }),
  };
}

/** The widest sum of each channel: proven, else as measured. */
function widestSums(
  { integer: { sums = [] } }: IntegerLayer,
  proof: AccumulatorProof | undefined,
): readonly SumRange[] {
  return proof?.worst ?? sums.map(widest);
}

/**
 * The width whose window holds the widest range of a channel's sum (DESIGN §4). A factor that all weights of a channel have is in no
 * sum's way: it belongs to the scale.
 */
function scalarBits(
  { operands, weights, reduction: { length } }: IntegerLayer,
  channels: readonly Magnitudes[],
): number {
  const single = { bits: 32, lanes: 1, step: 1, runLength: length, segments: [length] };
  const extents = channels.map(({ common }, o) => {
    const [range] = sumRanges(single, weights.data.subarray(o * length, (o + 1) * length), operands);
    return (range!.hi - range!.lo) / common;
  });
  return Math.max(1, Math.ceil(Math.log2(Math.max(0, ...extents) + 1)));
}

/** The integer weights of an output channel. */
interface Magnitudes {
  /** The factor that all of them have; 1 where there are none. */
  readonly common: number;
  /** Without that factor. */
  readonly largest: number;
}

function magnitudesOf({ weights, reduction: { channels, length } }: IntegerLayer): Magnitudes[] {
  return Array.from({ length: channels }, (_, o) => {
    let [common, largest] = [0, 0];
    for (let k = o * length; k < (o + 1) * length; k++) {
      const q = Math.abs(weights.data[k]!);
      if (common !== 1) common = greatestDivisor(common, q);
      largest = Math.max(largest, q);
    }
    return { common: Math.max(1, common), largest: largest / Math.max(1, common) };
  });
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Bits of a signed integer of that magnitude, and of its negative. */
function signedBits({ largest }: Magnitudes): number {
  return largest === 0 ? 0 : Math.ceil(Math.log2(largest + 1)) + 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
}

function round(x: number, digits: number): number {
  return Number(x.toFixed(digits));
}
