import type { Partition, RowWalk } from './partition.ts';
import { type Plane, pixelsOf, type Tile } from './tile.ts';

/** Largest number of 32-byte passes whose loop is written out by the compiler: the code of a row of 3×96 bytes. */
const mostUnrolled = 9;

/** What a tile does with K: its walk, where it flushes, whether its lanes start from something else than zero. */
export interface Course {
  readonly walk: RowWalk;
  readonly partition: Partition;
  readonly preloaded: boolean;
  /** True where a tile may have fewer channels, so that stores ask for their number. */
  readonly cutChannels: boolean;
}

/** How many of so many passes are written out, so that their addresses are immediates. */
export function unrollOf(passes: number): number {
  if (passes <= mostUnrolled) return Math.max(1, passes);
  return [9, 8, 7, 6, 5].find((d) => passes % d === 0) ?? 8;
}

/** As many pieces written out as their passes allow; of those that divide their number, the most. */
export function unrollOfPieces(count: number, { passes }: Stretch): number {
  const most = Math.max(1, Math.floor(mostUnrolled / Math.max(1, passes)));
  const divisors = Array.from({ length: most }, (_, i) => most - i).filter((d) => count % d === 0);
  return count <= most ? count : (divisors[0] ?? 1);
}

/** A stretch of K without a flush inside, as the loops take it: 32 bytes at a time, then 16, then 8. */
export interface Stretch {
  readonly passes: number;
  readonly single: boolean;
  readonly half: boolean;
}

/** @param last true where the stretch ends with its run */
export function stretchOf(walk: RowWalk, steps: number, last: boolean): Stretch {
  const half = last && walk.endsHalf;
  const whole = half ? steps - 1 : steps;
  return { passes: Math.floor(whole / 2), single: whole % 2 === 1, half };
}

/**
 * The stretches of a run: `count` equal ones, and one more.
 * @returns the run as a whole where it is not flushed inside
 */
export function stretchesOf({ walk, partition }: Course): { count: number; piece: Stretch; rest: Stretch } {
  const steps = partition.kind === 'pieces' ? partition.steps : walk.stepsPerRun;
  const all = Math.ceil(walk.stepsPerRun / steps);
  const left = walk.stepsPerRun - (all - 1) * steps;
  // The last piece is like the others where it is as long and ends with 16 products.
  const count = left === steps && !walk.endsHalf ? all : all - 1;
  return { count, piece: stretchOf(walk, steps, false), rest: stretchOf(walk, left, true) };
}

/** Products, and loads: pixels and weights in pairs. */
export function stretchInstructions({ passes, single, half }: Stretch, pixels: number, pointers: number): number {
  const unroll = unrollOf(passes);
  const rounds = passes > unroll ? Math.floor(passes / unroll) : 0;
  return (
    passes * (17 * pixels + 4) + (single ? 9 * pixels + 2 : 0) + (half ? 5 * pixels + 2 : 0) + rounds * (3 + pointers)
  );
}

/** Whether the taps of a kernel's row are written out, where each is a run of its own: as much as a long run at a time. */
export function writesTaps({ walk, partition }: Pick<Course, 'walk' | 'partition'>): boolean {
  return walk.runsPerRow > 1 && partition.kind !== 'rows' && walk.runsPerRow * walk.stepsPerRun <= 2 * mostUnrolled;
}

/** Predicted instructions of one tile of output pixels and four channels, on a plane of outputs. */
export function tileInstructions(course: Course, tile: Tile, plane: Pick<Plane, 'height' | 'width'>): number {
  const { walk } = course;
  const pixels = pixelsOf(tile);
  const pointers = tile.shape === 'line' ? pixels : 1;
  const { count, piece, rest } = stretchesOf(course);
  const ofRun =
    count * stretchInstructions(piece, pixels, pointers) +
    (isRest(course) ? stretchInstructions(rest, pixels, pointers) : 0) +
    (count > 1 ? (count / unrollOfPieces(count, piece) - 1) * (3 + pointers) : 0);
  const loops = writesTaps(course) ? walk.runs / walk.runsPerRow : walk.runs;
  const runs = walk.runs * ofRun + (walk.runs > 1 ? loops * (3 + pointers) : 0);
  return runs + flushInstructions(course, pixels) + epilogue(course, tile, plane);
}

/** Whether a run has a stretch that is not one of the equal ones. */
export function isRest(course: Course): boolean {
  const { count } = stretchesOf(course);
  const steps = course.partition.kind === 'pieces' ? course.partition.steps : course.walk.stepsPerRun;
  return count * steps < course.walk.stepsPerRun;
}

function flushInstructions(course: Course, pixels: number): number {
  const { walk, partition, preloaded } = course;
  const start = preloaded ? 4 * pixels + 4 : 4 * pixels;
  // Compilers let the first products start the sums where no loop stands before them.
  if (partition.kind === 'whole') return preloaded || !isWritten(course) ? start : 0;
  const rows = walk.runs / walk.runsPerRow;
  if (partition.kind === 'rows') return Math.ceil(rows / partition.rows) * (4 * pixels + start + 4);
  const flushes = walk.runs * Math.ceil(walk.stepsPerRun / partition.steps);
  return flushes * (4 * pixels + (preloaded ? start : 0)) + 4 * pixels;
}

/** Whether a tile is written out without a loop. */
function isWritten({ walk }: Course): boolean {
  return walk.runs === 1 && stretchOf(walk, walk.stepsPerRun, true).passes <= mostUnrolled;
}

/** Addressing, reduction tree, requantization of four channels a pixel, narrowing of all, stores. */
function epilogue(course: Course, tile: Tile, { height }: Pick<Plane, 'height'>): number {
  const pixels = pixelsOf(tile);
  const inBlocks = height === tile.height ? 4 : 10;
  const addressing = tile.shape === 'line' ? 10 + 7 * pixels : inBlocks;
  // Where registers are short, the requantizer's constants are loaded for each tile.
  const constants = isWritten(course) ? 0 : 3;
  const ofPixel = (course.partition.kind === 'whole' ? 12 : 8) + (course.cutChannels ? 3 : 0);
  return addressing + constants + 7 + ofPixel * pixels;
}
