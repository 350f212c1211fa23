import type { Graph } from '../graph/types.ts';
import { foldedBias, geometryOf, type ReductionNode, requantizerOf } from './k-lanes/geometry.ts';
import { checkSums } from './k-lanes/prepare.ts';
import type { ConstantArray, Packed } from './kernel.ts';
import { requantizerArrays } from './requantizer-arrays.ts';

/**
 * What the kernels with 32-bit accumulators share: nothing narrow to prove, but the sums must fit the requantizer.
 * @param slots output channel of each slot of the packed weights, −1 where it only fills a tile
 */
export function packUnproven(
  node: ReductionNode,
  graph: Graph,
  slots: Int32Array,
  weights: Pick<ConstantArray, 'data' | 'comment'>,
): Packed {
  const g = geometryOf(node, graph);
  const requantizer = requantizerOf(g, graph);
  checkSums(g, requantizer, `node "${node.origin.name}" (${node.origin.opType})`);
  const bias = slots.map((channel) => (channel < 0 ? 0 : foldedBias(g, channel)));
  const arrays: ConstantArray[] = [
    { name: 'weights', ...weights },
    { name: 'bias', data: bias, comment: "in units of input scale * weight scale, the input's zero point folded in" },
    ...requantizerArrays(requantizer, slots),
  ];
  return { arrays };
}
