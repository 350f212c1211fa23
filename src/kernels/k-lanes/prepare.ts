import { invariant } from '../../core/diagnostics.ts';
import type { Graph } from '../../graph/types.ts';
import { largestSum, type Requantizer } from '../../numeric/requantize.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { measuredSums } from '../measured-sums.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import { certify } from './certify.ts';
import { type Course, tileInstructions } from './cost.ts';
import { foldedBias, type Geometry, geometryOf, type ReductionNode, requantizerOf } from './geometry.ts';
import { type PackedWeights, packWeights, perSlot } from './pack.ts';
import { fitsLanes, type Partition, partitionsOf, segmentEnds } from './partition.ts';
import { mostPixelsFlushed, tileChannels } from './tile.ts';
import { laneModel } from './walk.ts';

/** A packed reduction. */
export interface Prepared extends Course {
  readonly geometry: Geometry;
  readonly packed: PackedWeights;
  /** As `AccumulatorModel.segments`: what the partition means. */
  readonly segments: readonly number[];
  readonly requantizer: Requantizer;
}

/** Packing is a function of the graph's constants, which a node's kernels ask for again and again. */
const cache = new WeakMap<ReductionNode, Prepared & { readonly graph: Graph }>();

export function prepare(node: ReductionNode, graph: Graph): Prepared {
  const known = cache.get(node);
  if (known?.graph === graph) return known;
  const geometry = geometryOf(node, graph);
  const packed = packWeights(
    geometry.weights,
    geometry.reduction.channels,
    geometry.walk,
    tileChannels,
    geometry.groups,
  );
  const course = courseOf(geometry, packed);
  const prepared = {
    graph,
    geometry,
    packed,
    ...course,
    segments: segmentEnds(course.walk, course.partition),
    requantizer: requantizerOf(geometry, graph),
  };
  cache.set(node, prepared);
  return prepared;
}

/**
 * The cheapest partition that the packed weights allow, whatever accumulators the graph speaks of. Lanes may start from
 * values that centre their ranges, which lets them hold a little more; after a flush that costs a move for each of them.
 */
function courseOf({ walk, xRange, reduction, groups, integer }: Geometry, packed: PackedWeights): Course {
  const cutChannels = (reduction.channels / groups) % tileChannels !== 0;
  const partitions = partitionsOf(walk);
  const measured = partitions.find((p) => measuredSums(integer, laneModel(walk, segmentEnds(walk, p))));
  if (measured !== undefined) return { walk, cutChannels, partition: measured, preloaded: true };
  const fits = (p: Partition, from: 'start' | 'zero') => fitsLanes(packed, segmentEnds(walk, p), xRange, from);
  const centred = partitions.findIndex((p) => fits(p, 'start'));
  const started = { walk, cutChannels, partition: partitions[centred] ?? partitions.at(-1)!, preloaded: true };
  const plain = partitions.slice(Math.max(0, centred)).find((p) => fits(p, 'zero'));
  if (plain === undefined) return started;
  const unstarted = { walk, cutChannels, partition: plain, preloaded: false };
  const tile = { height: 1, width: mostPixelsFlushed, shape: 'block' } as const;
  const costOf = (course: Course) => tileInstructions(course, tile, tile);
  return costOf(unstarted) <= costOf(started) ? unstarted : started;
}

/** Certifies the packed bytes and lists the arrays that the generated code reads. */
export function packReduction(node: ReductionNode, graph: Graph): Packed {
  const { geometry: g, packed, segments, preloaded, requantizer } = prepare(node, graph);
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const measured = measuredSums(g.integer, laneModel(packed.walk, segments));
  const certificate = certify(packed, segments, g.xRange, preloaded, place, measured);
  const bias = perSlot(packed, (channel) => foldedBias(g, channel));
  checkSums(g, requantizer, place);
  const arrays: ConstantArray[] = [
    {
      name: 'weights',
      data: packed.data,
      comment: weightsComment(packed),
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

/** The layout of packed weights. */
export function weightsComment({ tiles, walk }: PackedWeights): string {
  const last = walk.endsHalf ? `, a run's last block 8` : '';
  return `[${tiles} tiles][${walk.steps} blocks][${tileChannels} channels][16 products${last}]`;
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
