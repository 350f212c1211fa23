import { invariant } from '../../core/diagnostics.ts';
import type { Graph } from '../../graph/types.ts';
import { largestSum, type Requantizer } from '../../numeric/requantize.ts';
import { reductionRequantizer } from '../../ops/quantized.ts';
import { windowBudget } from '../../quantize/accumulator.ts';
import { greedySegments } from '../../quantize/segments.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import { certify } from './certify.ts';
import { foldedBias, type Geometry, geometryOf, type ReductionNode } from './geometry.ts';
import { type PackedWeights, packWeights, perSlot } from './pack.ts';
import { tileChannels } from './tile.ts';
import { isLaneModel, laneModel } from './walk.ts';

/** A packed and certified reduction. */
export interface Prepared {
  readonly geometry: Geometry;
  readonly packed: PackedWeights;
  /** Where the lanes are flushed; one segment means: not before the end. */
  readonly segments: readonly number[];
  readonly requantizer: Requantizer;
}

function packedOf(g: Geometry): PackedWeights {
  return packWeights(g.weights, g.reduction.channels, g.walk, tileChannels, g.groups);
}

/**
 * The segments in which the kernel runs: the graph's, where its accumulator model speaks of 16-bit lanes; else (a
 * scalar or a wider accumulator) as few as the weights allow.
 */
export function runningSegments(g: Geometry): readonly number[] {
  const { accumulator } = g.integer;
  if (isLaneModel(accumulator, g.walk, g.reduction.length)) return accumulator.segments;
  const unflushed = laneModel(g.walk, [g.walk.steps]);
  return greedySegments(unflushed, g.weights, g.reduction.channels, windowBudget(16, g.xRange)).segments;
}

export function prepare(node: ReductionNode, graph: Graph): Prepared {
  const geometry = geometryOf(node, graph);
  const packed = packedOf(geometry);
  return {
    geometry,
    packed,
    segments: runningSegments(geometry),
    requantizer: reductionRequantizer(node, [geometry.x, graph.tensors.get(node.inputs[1]!)!], geometry.y),
  };
}

/** Certifies the packed bytes and lists the arrays that the generated code reads. */
export function packReduction(node: ReductionNode, graph: Graph): Packed {
  const { geometry: g, packed, segments, requantizer } = prepare(node, graph);
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const certificate = certify(packed, segments, g.xRange, place);
  const bias = perSlot(packed, (channel) => foldedBias(g, channel));
  checkSums(g, requantizer, place);
  const arrays: ConstantArray[] = [
    {
      name: 'weights',
      data: packed.data,
      comment: `[${packed.tiles} tiles][${packed.walk.steps} blocks][${tileChannels} channels][16 products]`,
    },
    {
      name: 'bias',
      data: bias.map((b, slot) => b - certificate.preloadSum[slot]!),
      comment: `[${bias.length}] in units of input scale * weight scale, the input's zero point folded in`,
    },
    ...requantizerArrays(requantizer, packed.channelOf),
  ];
  if (certificate.preload !== undefined) {
    arrays.push(
      {
        name: 'preload',
        data: certificate.preload,
        comment: `[tiles][${segments.length} segments][${tileChannels} channels][8 lanes] start values`,
      },
      {
        name: 'preload_sum',
        data: certificate.preloadSum,
        comment: 'what the start values add to each sum; bias takes it off again',
      },
    );
  }
  return { arrays, proof: certificate.proof };
}

/** Every sum, bias included, must stay within what the requantizer takes. */
export function checkSums(g: Geometry, requantizer: Requantizer, place: string): void {
  const limit = largestSum(requantizer);
  const { length, channels } = g.reduction;
  for (let channel = 0; channel < channels; channel++) {
    let [lo, hi] = [foldedBias(g, channel), foldedBias(g, channel)];
    for (const w of g.weights.subarray(channel * length, (channel + 1) * length)) {
      lo += Math.min(w * g.xRange.lo, w * g.xRange.hi);
      hi += Math.max(w * g.xRange.lo, w * g.xRange.hi);
    }
    if (lo < -limit || hi > limit) {
      throw invariant(
        `sums of output channel ${channel} range over ${lo}…${hi}, the requantizer takes ±${limit}`,
        place,
      );
    }
  }
}
