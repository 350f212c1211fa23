import { invariant } from '../../core/diagnostics.ts';
import type { Graph } from '../../graph/types.ts';
import type { Requantizer } from '../../numeric/requantize.ts';
import { overflowOf } from '../../proof/accumulator.ts';
import { epilogueInstructions } from '../channel-lanes/cost.ts';
import { foldedBias, type Geometry, geometryOf, type ReductionNode, requantizerOf } from '../k-lanes/geometry.ts';
import { perSlot } from '../k-lanes/pack.ts';
import { checkSums } from '../k-lanes/prepare.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import { type GroupBytes, type GroupedWeights, packGroups, proveGroups, tileChannels } from './pack.ts';

export interface Prepared {
  readonly geometry: Geometry;
  readonly packed: GroupedWeights;
  readonly requantizer: Requantizer;
  /** Instructions that finish 16 channels of a pixel. */
  readonly epilogue: number;
}

export function prepareGroups(node: ReductionNode, graph: Graph, groupBytes: GroupBytes): Prepared {
  const geometry = geometryOf(node, graph);
  const requantizer = requantizerOf(geometry, graph);
  const epilogue = epilogueInstructions(geometry, requantizer, true);
  return { geometry, packed: packGroups(geometry, groupBytes), requantizer, epilogue };
}

/** Certifies the packed bytes and lists the arrays that the generated code reads. */
export function packDot(node: ReductionNode, graph: Graph, groupBytes: GroupBytes): Packed {
  const { geometry: g, packed, requantizer } = prepareGroups(node, graph, groupBytes);
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const proof = proveGroups(g, packed);
  const overflow = overflowOf(proof);
  if (overflow !== undefined) throw invariant(`output channel ${overflow.channel} does not fit 32 bits`, place);
  checkSums(g, requantizer, place);
  const { tiles, runs, groupsPerRun, channelOf } = packed;
  const arrays: ConstantArray[] = [
    {
      name: 'weights',
      data: packed.data,
      comment: `[${tiles} tiles][${runs * groupsPerRun} groups][${tileChannels} channels][${groupBytes} products]`,
    },
    {
      name: 'bias',
      data: perSlot(packed, (channel) => foldedBias(g, channel)),
      comment: `[${channelOf.length}] in units of input scale * weight scale, the input's zero point folded in`,
    },
    ...requantizerArrays(requantizer, channelOf),
  ];
  return { arrays, proof };
}
