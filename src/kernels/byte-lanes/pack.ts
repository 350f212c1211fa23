import type { Geometry } from '../k-lanes/geometry.ts';
import { tileChannelMap } from '../k-lanes/pack.ts';
import { tileChannels } from '../k-lanes/tile.ts';
import { type ByteWalk, byteWalkOf, laneCount } from './walk.ts';

/** Weights as the kernel reads them: `[tile][step][channel of the tile][16]`, zero-padded. */
export interface ByteWeights {
  readonly data: Int8Array;
  readonly walk: ByteWalk;
  readonly tiles: number;
  /** Output channel of each of the tiles' channels; −1 where it only fills the tile. */
  readonly channelOf: Int32Array;
}

export function packBytes(g: Geometry): ByteWeights {
  const walk = byteWalkOf(g);
  const { length, channels } = g.reduction;
  const channelOf = tileChannelMap(channels, tileChannels, g.groups);
  const tiles = channelOf.length / tileChannels;
  const packed = { data: new Int8Array(channelOf.length * walk.steps * laneCount), walk, tiles, channelOf };
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    for (let step = 0; step < walk.steps; step++) {
      const [run, inRun] = [Math.floor(step / walk.stepsPerRun), step % walk.stepsPerRun];
      const from = run * walk.runLength + inRun * laneCount;
      const to = Math.min(from + laneCount, (run + 1) * walk.runLength);
      packed.data.set(g.weights.subarray(channel * length + from, channel * length + to), placeOf(walk, slot, step));
    }
  });
  return packed;
}

/** Where a slot's 16 weights of a step lie. */
function placeOf({ steps }: ByteWalk, slot: number, step: number): number {
  const [tile, n] = [Math.floor(slot / tileChannels), slot % tileChannels];
  return ((tile * steps + step) * tileChannels + n) * laneCount;
}

/** The packed weights of a slot for a step, one a lane. */
export function weightsOfStep({ data, walk }: ByteWeights, slot: number, step: number): Int8Array {
  const at = placeOf(walk, slot, step);
  return data.subarray(at, at + laneCount);
}
