import type { Graph } from '../../graph/types.ts';
import type { Requantizer } from '../../numeric/requantize.ts';
import { foldedBias, type Geometry, geometryOf, type ReductionNode, requantizerOf } from '../k-lanes/geometry.ts';
import { perSlot } from '../k-lanes/pack.ts';
import { checkSums } from '../k-lanes/prepare.ts';
import { tileChannels } from '../k-lanes/tile.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import { certifyBytes } from './certify.ts';
import { type ByteWeights, packBytes } from './pack.ts';

export interface Prepared {
  readonly geometry: Geometry;
  readonly packed: ByteWeights;
  readonly requantizer: Requantizer;
}

export function prepareBytes(node: ReductionNode, graph: Graph): Prepared {
  const geometry = geometryOf(node, graph);
  return { geometry, packed: packBytes(geometry), requantizer: requantizerOf(geometry, graph) };
}

/** Certifies the packed bytes and lists the arrays that the generated code reads. */
export function packByteLanes(node: ReductionNode, graph: Graph): Packed {
  const { geometry: g, packed, requantizer } = prepareBytes(node, graph);
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const { proof, preload, preloadSum } = certifyBytes(packed, g.xRange, place);
  checkSums(g, requantizer, place);
  const { tiles, walk, channelOf } = packed;
  const bias = perSlot(packed, (channel) => foldedBias(g, channel)).map((b, slot) => b - preloadSum[slot]!);
  const arrays: ConstantArray[] = [
    {
      name: 'weights',
      data: packed.data,
      comment: `[${tiles} tiles][${walk.steps} blocks][${tileChannels} channels][16 products]`,
    },
    {
      name: 'bias',
      data: bias,
      comment: `[${bias.length}] in units of input scale * weight scale, the input's zero point folded in`,
    },
    ...requantizerArrays(requantizer, channelOf),
  ];
  if (preload === undefined) return { arrays, proof };
  const shape = `[tiles][${walk.segments.length} segments][${tileChannels} channels][16 lanes]`;
  const starts: ConstantArray[] = [
    { name: 'preload', data: preload, comment: `${shape} start values` },
    {
      name: 'preload_sum',
      data: preloadSum,
      comment: 'what the start values add to each sum; bias takes it off again',
    },
  ];
  return { arrays: [...arrays, ...starts], proof };
}
