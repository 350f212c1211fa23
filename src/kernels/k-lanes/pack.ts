import { laneCount, stepProducts, type Walk } from './walk.ts';

/** Weights as a K-in-lanes kernel reads them: `[tile][step][channel of the tile][16]`, zero-padded. */
export interface PackedWeights {
  readonly data: Int8Array;
  readonly walk: Walk;
  /** Output channels a tile. */
  readonly tileChannels: number;
  readonly tiles: number;
  /** Output channel of each of the tiles' channels; −1 where it only fills the tile. */
  readonly channelOf: Int32Array;
}

/**
 * @param weights channels × K, row-major (quantized, int8)
 * @param groups a tile never mixes groups
 */
export function packWeights(
  weights: Int8Array,
  channels: number,
  walk: Walk,
  tileChannels: number,
  groups: number,
): PackedWeights {
  const length = walk.runs * walk.runLength;
  const channelOf = tileChannelMap(channels, tileChannels, groups);
  const tiles = channelOf.length / tileChannels;
  const data = new Int8Array(tiles * walk.steps * tileChannels * stepProducts);
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
    for (let k = 0; k < length; k++) {
      const [run, position] = [Math.floor(k / walk.runLength), k % walk.runLength];
      const step = run * walk.stepsPerRun + Math.floor(position / stepProducts);
      data[((tile * walk.steps + step) * tileChannels + n) * stepProducts + (position % stepProducts)] =
        weights[channel * length + k]!;
    }
  });
  return { data, walk, tileChannels, tiles, channelOf };
}

function tileChannelMap(channels: number, tileChannels: number, groups: number): Int32Array {
  const perGroup = channels / groups;
  const tilesPerGroup = Math.ceil(perGroup / tileChannels);
  return Int32Array.from({ length: groups * tilesPerGroup * tileChannels }, (_, slot) => {
    const group = Math.floor(slot / (tilesPerGroup * tileChannels));
    const inGroup = slot % (tilesPerGroup * tileChannels);
    return inGroup < perGroup ? group * perGroup + inGroup : -1;
  });
}

/** One value for each slot of the tiles, `filler` where a slot has no channel. */
export function perSlot(packed: PackedWeights, value: (channel: number) => number, filler = 0): Int32Array {
  return packed.channelOf.map((channel) => (channel < 0 ? filler : value(channel)));
}

/** Calls back for each packed weight of a tile's channel: its step, its lane, its value. */
export function forEachWeight(
  packed: PackedWeights,
  slot: number,
  visit: (step: number, lane: number, weight: number) => void,
): void {
  const { walk, tileChannels, data } = packed;
  const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
  for (let step = 0; step < walk.steps; step++) {
    const at = ((tile * walk.steps + step) * tileChannels + n) * stepProducts;
    for (let j = 0; j < stepProducts; j++) visit(step, j % laneCount, data[at + j]!);
  }
}
