import { chooseTile, type Plane, pixelsOf, type Tile } from '../k-lanes/tile.ts';
import type { GroupedWeights } from './pack.ts';

/**
 * 4 pixels × 16 channels are 16 accumulators of 4 sums; 8 registers hold 32 bytes of each pixel, the rest a group's weights.
 * Wide in channels, since their weights are laid out as they are used, and a tile of them stays in the first cache.
 */
const mostPixels = 4;
/** Passes of 32 bytes that are written out: more only make the code longer. */
const unrolledPasses = 3;

/** How a run is walked over: passes of 32 bytes, then what is left of it. */
export interface RunWalk {
  readonly passes: number;
  /** Groups left, of up to 31 bytes. */
  readonly rest: number;
  readonly unroll: number;
}

export function runWalkOf({ groupsPerRun, groupBytes }: GroupedWeights): RunWalk {
  const perPass = 32 / groupBytes;
  const passes = Math.floor(groupsPerRun / perPass);
  const unroll = [unrolledPasses, 2].find((n) => passes % n === 0) ?? Math.max(1, Math.min(passes, unrolledPasses));
  return { passes, rest: groupsPerRun % perPass, unroll };
}

/** Vector multiplications of a group: each of 16 MACs with `vdotq_s32`, of 32 with `vmmlaq_s32`. */
function multipliesOfGroup({ groupBytes }: GroupedWeights, pixels: number): number {
  return groupBytes === 4 ? pixels * 4 : Math.ceil(pixels / 2) * 8;
}

/** Predicted instructions of one tile. Pixels of a `vmmlaq_s32` come in pairs, put together by a zip a register. */
function tileInstructions(packed: GroupedWeights, epilogue: number, tile: Tile): number {
  const { groupBytes, runs } = packed;
  const pixels = pixelsOf(tile);
  const pointers = tile.shape === 'line' ? pixels : 1;
  const { passes, rest, unroll } = runWalkOf(packed);
  // Compilers pair few of the weights' loads: gcc 3 instructions for 4 registers, 7 for 8.
  const group = multipliesOfGroup(packed, pixels) + (groupBytes === 4 ? 3 : 7 + pixels / 2);
  const pass = (32 / groupBytes) * group + pixels + (pointers + 4) / unroll;
  const ofRun = passes * pass + (rest > 0 ? rest * group + pixels : 0) + (runs > 1 ? pointers + 5 : 2);
  const addressing = tile.shape === 'line' ? 10 + 7 * pixels : 12;
  const finish = epilogue + (groupBytes === 4 ? 0 : 8);
  return runs * ofRun + addressing + 20 + pixels * finish;
}

/**
 * @param epilogue instructions that finish 16 channels of a pixel
 * @returns undefined where no tile of these kernels fits: `vmmlaq_s32` takes two pixels at least
 */
export function chooseDotTile(
  plane: Pick<Plane, 'height' | 'width'>,
  packed: GroupedWeights,
  epilogue: number,
): { readonly tile: Tile; readonly instructions: number } | undefined {
  const costOf = (tile: Tile) =>
    packed.groupBytes === 8 && pixelsOf(tile) % 2 === 1
      ? Number.POSITIVE_INFINITY
      : tileInstructions(packed, epilogue, tile);
  const tile = chooseTile(plane, mostPixels, costOf);
  const instructions = costOf(tile);
  return Number.isFinite(instructions) ? { tile, instructions } : undefined;
}
