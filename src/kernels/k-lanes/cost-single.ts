import { type Course, isRest, type Stretch, stretchesOf, unrollOf, unrollOfPieces } from './cost.ts';
import { type Plane, pixelsOf, type Tile } from './tile.ts';

/** Predicted instructions of one tile on Armv7 (`InnerLoop` `single`), as `tileInstructions` on AArch64. */
export function singleTileInstructions(course: Course, tile: Tile, { height }: Pick<Plane, 'height'>): number {
  const { walk, partition, preloaded } = course;
  const pixels = pixelsOf(tile);
  const { count, piece, rest } = stretchesOf(course);
  const ofRun =
    count * stretchInstructions(piece, pixels) +
    (isRest(course) ? stretchInstructions(rest, pixels) : 0) +
    (count > 1 ? (count / unrollOfPieces(count, piece) - 1) * 3 : 0);
  const runs = walk.runs * (ofRun + (walk.runs > 1 ? 3 + pixels : 0));
  const start = preloaded ? 4 * pixels + 4 : 4 * pixels;
  return runs + flushes(course) * (start + foldInstructions(pixels)) + epilogue(course, tile, height, partition.kind);
}

/** Loads of each pixel and of four channels' weights, products. */
function stretchInstructions({ passes, single, half }: Stretch, pixels: number): number {
  const steps = 2 * passes + Number(single);
  const unroll = unrollOf(steps);
  const rounds = steps > unroll ? Math.floor(steps / unroll) : 0;
  return steps * (9 * pixels + 4) + (half ? 5 * pixels + 8 : 0) + rounds * 3;
}

/** How often lanes are added up, the last time included. */
function flushes({ walk, partition }: Course): number {
  if (partition.kind === 'whole') return 1;
  const rows = walk.runs / walk.runsPerRow;
  if (partition.kind === 'rows') return Math.ceil(rows / partition.rows);
  return walk.runs * Math.ceil(walk.stepsPerRun / partition.steps);
}

/** Pairwise sums of four accumulators a pixel: Armv7 adds neighbours within 64 bits. */
function foldInstructions(pixels: number): number {
  return 11 * pixels;
}

/** Addressing, requantization of four channels a pixel, narrowing of all, stores. */
function epilogue(course: Course, tile: Tile, height: number, kind: Course['partition']['kind']): number {
  const pixels = pixelsOf(tile);
  const inBlocks = (height === tile.height ? 8 : 14) + pixels;
  const addressing = tile.shape === 'line' ? 14 + 9 * pixels : inBlocks;
  const ofPixel = 6 + (course.cutChannels ? 2 : 0) + (kind === 'whole' ? 0 : 2);
  return addressing + 14 + ofPixel * pixels;
}
