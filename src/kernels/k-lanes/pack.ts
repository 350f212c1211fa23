import { laneCount, productsOfStep, stepProducts, type Walk } from './walk.ts';

/** Weights as a K-in-lanes kernel reads them: `[tile][step][channel of the tile][products of the step]`, zero-padded. */
export interface PackedWeights {
  readonly data: Int8Array;
  readonly walk: Walk;
  /** Output channels a tile. */
  readonly tileChannels: number;
  readonly tiles: number;
  /** Bytes of a tile. */
  readonly tileBytes: number;
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
  const tileBytes = walk.runs * walk.runBytes * tileChannels;
  const packed = { data: new Int8Array(tiles * tileBytes), walk, tileChannels, tiles, tileBytes, channelOf };
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    for (let run = 0; run < walk.runs; run++) {
      for (let step = 0; step < walk.stepsPerRun; step++) {
        const from = channel * length + run * walk.runLength + step * stepProducts;
        const count = Math.min(stepProducts, walk.runLength - step * stepProducts);
        packed.data.set(weights.subarray(from, from + count), placeOf(packed, slot, run, step));
      }
    }
  });
  return packed;
}

/** Where a slot's weights for a step begin. */
function placeOf(
  { walk, tileChannels, tileBytes }: Omit<PackedWeights, 'data'>,
  slot: number,
  run: number,
  step: number,
) {
  const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
  const before = run * walk.runBytes + step * stepProducts;
  return tile * tileBytes + before * tileChannels + n * productsOfStep(walk, step);
}

/** The output channel of each channel of the tiles, −1 where it only fills one. */
export function tileChannelMap(channels: number, tileChannels: number, groups: number): Int32Array {
  const perGroup = channels / groups;
  const tilesPerGroup = Math.ceil(perGroup / tileChannels);
  return Int32Array.from({ length: groups * tilesPerGroup * tileChannels }, (_, slot) => {
    const group = Math.floor(slot / (tilesPerGroup * tileChannels));
    const inGroup = slot % (tilesPerGroup * tileChannels);
    return inGroup < perGroup ? group * perGroup + inGroup : -1;
  });
}

/** One value for each slot of the tiles, `filler` where a slot has no channel. */
export function perSlot(
  packed: Pick<PackedWeights, 'channelOf'>,
  value: (channel: number) => number,
  filler = 0,
): Int32Array {
  return packed.channelOf.map((channel) => (channel < 0 ? filler : value(channel)));
}

/**
 * Calls back for each packed weight of a tile's channel, in walking order: its step, its lane, its value.
 * @param visit returns false to end the visit
 */
export function forEachWeight(
  packed: PackedWeights,
  slot: number,
  visit: (step: number, lane: number, weight: number) => unknown,
): void {
  const { walk, data } = packed;
  for (let run = 0; run < walk.runs; run++) {
    for (let step = 0; step < walk.stepsPerRun; step++) {
      const at = placeOf(packed, slot, run, step);
      const count = productsOfStep(walk, step);
      for (let j = 0; j < count; j++) {
        if (visit(run * walk.stepsPerRun + step, j % laneCount, data[at + j]!) === false) return;
      }
    }
  }
}
