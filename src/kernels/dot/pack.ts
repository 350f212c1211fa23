import type { AccumulatorModel } from '../../graph/types.ts';
import { type AccumulatorProof, proveReduction } from '../../proof/accumulator.ts';
import type { Geometry } from '../k-lanes/geometry.ts';
import { tileChannelMap } from '../k-lanes/pack.ts';

/** Channels that a tile computes of each of its pixels. */
export const tileChannels = 16;

/** Bytes of K that one lane sums up in one instruction: 4 with `vdotq_s32`, 8 with `vmmlaq_s32`. */
export type GroupBytes = 4 | 8;

/** Weights as these kernels read them: `[tile][run][group][channel of the tile][products of the group]`, zero-padded. */
export interface GroupedWeights {
  readonly data: Int8Array;
  readonly groupBytes: GroupBytes;
  readonly tiles: number;
  readonly runs: number;
  readonly groupsPerRun: number;
  /** Output channel of each of the tiles' channels; −1 where it only fills the tile. */
  readonly channelOf: Int32Array;
}

export function packGroups(g: Geometry, groupBytes: GroupBytes): GroupedWeights {
  const { length, runLength, channels } = g.reduction;
  const channelOf = tileChannelMap(channels, tileChannels, g.groups);
  const [tiles, runs] = [channelOf.length / tileChannels, length / runLength];
  const groupsPerRun = Math.ceil(runLength / groupBytes);
  const data = new Int8Array(channelOf.length * runs * groupsPerRun * groupBytes);
  const packed = { data, groupBytes, tiles, runs, groupsPerRun, channelOf };
  forEachProduct(g, packed, (at, slot, k) => {
    data[at] = g.weights[channelOf[slot]! * length + k]!;
  });
  return packed;
}

/** Where the weight of each product of each channel lies. */
function forEachProduct(
  { reduction: { length, runLength } }: Geometry,
  { groupBytes, runs, groupsPerRun, channelOf }: GroupedWeights,
  visit: (at: number, slot: number, k: number) => void,
): void {
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
    for (let k = 0; k < length; k++) {
      const [run, position] = [Math.floor(k / runLength), k % runLength];
      const group = (tile * runs + run) * groupsPerRun + Math.floor(position / groupBytes);
      visit((group * tileChannels + n) * groupBytes + (position % groupBytes), slot, k);
    }
  });
}

/**
 * Proves the packed bytes. One 32-bit accumulator holds the whole sum of an output, which the hardware's width makes sure of for
 * anything but a K of 130,000 products of −128 with −128: the ranges say how far away that is.
 * @returns the proof; `overflowOf` says whether it holds
 */
export function proveGroups(g: Geometry, packed: GroupedWeights): AccumulatorProof {
  const { length, runLength, channels } = g.reduction;
  const step = packed.groupBytes;
  const segments = [packed.runs * packed.groupsPerRun];
  const model: AccumulatorModel = { bits: 32, lanes: 1, step, runLength, segments };
  const weights = new Int8Array(channels * length);
  forEachProduct(g, packed, (at, slot, k) => {
    weights[packed.channelOf[slot]! * length + k] = packed.data[at]!;
  });
  return proveReduction(model, weights, channels, g.xRange);
}
