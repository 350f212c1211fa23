import type { AccumulatorModel, Graph } from '../../graph/types.ts';
import { widest } from '../../proof/accumulator.ts';
import { type Geometry, requantizerOf } from '../k-lanes/geometry.ts';
import { checkSums } from '../k-lanes/prepare.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import { provenRanges } from './certify.ts';
import { narrowSums, wideSums } from './sums.ts';
import { block, type ChannelWeights } from './weights.ts';

/** Certifies the packed weights and lists the arrays that the generated code reads. */
export function packChannelLanes(g: Geometry, graph: Graph, model: AccumulatorModel, weights: ChannelWeights): Packed {
  const { channels, length } = g.reduction;
  const ranges = provenRanges(g, model, weights);
  const requantizer = requantizerOf(g, graph);
  checkSums(g, requantizer, `node "${g.node.origin.name}" (${g.node.origin.opType})`);
  const slots = Int32Array.from({ length: Math.ceil(channels / block) * block }, (_, c) => (c < channels ? c : -1));
  const blocks = slots.length / block;
  const arrays: ConstantArray[] = [
    { name: 'weights', data: weights.data, comment: `[${blocks} blocks][${length} products][${block} channels]` },
    ...(narrowSums(g, requantizer, ranges) ?? wideSums(g, model, slots.length, ranges)),
    ...requantizerArrays(requantizer, slots),
  ];
  return { arrays, proof: { model, worst: ranges.map(widest) } };
}
