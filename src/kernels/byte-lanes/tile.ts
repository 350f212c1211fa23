import { pixelsFor, type Target } from '../../targets/target.ts';
import type { Geometry } from '../k-lanes/geometry.ts';
import { chooseTile, likelyPlane, type Plane, pixelsOf, type Tile, tileChannels, tilesOf } from '../k-lanes/tile.ts';
import type { ByteWeights } from './pack.ts';
import { type ByteWalk, piecesOf } from './walk.ts';

/** 4 pixels × 4 channels are 16 accumulators, which leaves 16 registers for 32 bytes of each operand. */
const mostPixels = 4;

/** Multiplications of one tile, each of 16 products. */
function multiplies({ steps }: ByteWalk, tile: Tile): number {
  return pixelsOf(tile) * tileChannels * steps;
}

/** Predicted instructions of one tile: products, loads in pairs, loops, flushes, requantization. */
function tileInstructions(walk: ByteWalk, tile: Tile): number {
  const pixels = pixelsOf(tile);
  const pointers = tile.shape === 'line' ? pixels : 1;
  const pieces = piecesOf(walk).flat();
  const passes = pieces.reduce((sum, { steps }) => sum + Math.floor(steps / 2), 0);
  const singles = pieces.filter(({ steps }) => steps % 2 === 1).length;
  // Two of each pass are moves, which gcc makes.
  const loads = passes * (9 + pixels + pointers) + singles * (3 + pixels + pointers);
  const loops = pieces.length * (8 + pointers) + walk.segments.length * (pixels * 12 + 5);
  const addressing = tile.shape === 'line' ? 10 + 7 * pixels : 12;
  return multiplies(walk, tile) + loads + loops + addressing + 12 + pixels * 12;
}

export function chooseByteTile(plane: Pick<Plane, 'height' | 'width'>, walk: ByteWalk, target: Target): Tile {
  return chooseTile(plane, pixelsFor(target, mostPixels), (tile) => tileInstructions(walk, tile));
}

/** Of the whole layer: executed instructions, and how many of them multiply 16 bytes. */
export function byteLanesCost(g: Geometry, { walk, tiles }: ByteWeights, target: Target) {
  const plane = likelyPlane(g);
  const tile = chooseByteTile(plane, walk, target);
  const count = tiles * tilesOf(plane, tile);
  return { instructions: count * tileInstructions(walk, tile), byteMultiplies: count * multiplies(walk, tile) };
}
