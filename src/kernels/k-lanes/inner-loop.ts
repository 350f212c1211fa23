import type { Target } from '../../targets/target.ts';
import { type Course, tileInstructions } from './cost.ts';
import { singleTileInstructions } from './cost-single.ts';
import type { Prepared } from './prepare.ts';
import { chooseTile, likelyPlane, mostPixels, mostPixelsFlushed, type Plane, type Tile, tilesOf } from './tile.ts';

type Extent = Pick<Plane, 'height' | 'width'>;

/**
 * How the products are written, which the number of vector registers decides.
 *
 * `pairs`, 32 registers: 32 bytes of each pixel, and the weights of two channels at a time; loads have immediate offsets.
 *
 * `single`, Armv7's 16: 16 bytes of each pixel, and the weights of one channel at a time: 12 sums of 3 pixels × 4 channels, 3
 * pixels and 1 channel's weights are all there is. Each pixel has a pointer of its own, since Armv7's vector loads have no
 * offsets but can step their pointer on. Compilers must not move a load: see `templates/helpers/load-next`. No registers
 * are left for sums of 32 bits: a flush adds up the lanes.
 */
export interface InnerLoop {
  readonly kind: 'pairs' | 'single';
  /** The tile that takes fewest instructions. */
  tile(prepared: Prepared, plane: Extent): Tile;
  /** Predicted instructions of a layer. */
  instructions(prepared: Prepared): number;
}

/** Plain C, which has no registers to speak of, is told as little as 32 allow. */
export function innerLoopFor({ vectorRegisters }: Target): InnerLoop {
  return vectorRegisters === 16 ? single : pairs;
}

/** Instructions of a function, once: what it saves, the addresses of its constants. */
const entryAndExit = 20;

const pairs = innerLoop('pairs', mostPixelsFlushed, tileInstructions);
const single = innerLoop('single', 3, singleTileInstructions, 3);

function innerLoop(
  kind: InnerLoop['kind'],
  mostFlushed: number,
  cost: (course: Course, tile: Tile, plane: Extent) => number,
  mostWhole = mostPixels,
): InnerLoop {
  const tileOf = (p: Prepared, plane: Extent) =>
    chooseTile(plane, p.partition.kind === 'whole' ? mostWhole : mostFlushed, (tile) => cost(p, tile, plane));
  return {
    kind,
    tile: tileOf,
    instructions(p) {
      const plane = likelyPlane(p.geometry);
      const tile = tileOf(p, plane);
      return entryAndExit + p.packed.tiles * tilesOf(plane, tile) * cost(p, tile, plane);
    },
  };
}
