import { type Course, isRest, type Stretch, stretchesOf, unrollOf, unrollOfPieces } from './cost.ts';
import type { InnerLoop } from './inner-loop.ts';

/** The stretches between flushes. */
export function courseView(course: Course, loop: InnerLoop['kind']) {
  const { partition, preloaded } = course;
  const single = loop === 'single';
  const { count, piece, rest } = stretchesOf(course);
  const rows = partition.kind === 'rows' ? partition.rows : 0;
  const written = unrollOfPieces(count, piece);
  return {
    /** Sums start from something before the first products, which else begin them. */
    startsApart: preloaded || single,
    /** A flush adds the lanes of an accumulator to one number, instead of to lanes of 32 bits. */
    folds: single,
    partition: {
      whole: partition.kind === 'whole',
      inRows: partition.kind === 'rows',
      inPieces: partition.kind === 'pieces',
      rows,
      uneven: rows > 0 && (course.walk.runs / course.walk.runsPerRow) % rows !== 0,
    },
    pieces: {
      some: count > 0,
      several: count > 1,
      count,
      inRounds: written > 1 && written < count,
      rounds: count / written,
      written,
      ...stretchView(piece, loop),
    },
    rest: { some: isRest(course), ...stretchView(rest, loop) },
  };
}

/** The first pass, or the first 16 products, begins the sums of a segment; the others add to them. */
export function stretchView({ passes, single, half }: Stretch, loop: InnerLoop['kind'] = 'pairs') {
  if (loop === 'single') return { single: false, half, all: passLoops(2 * passes + Number(single), 'k-lanes-step') };
  return {
    single,
    half,
    all: passLoops(passes),
    more: passLoops(passes - 1),
    startsWithPass: passes > 0,
    startsWithSingle: passes === 0 && single,
    startsWithHalf: passes === 0 && !single,
    moreSingle: passes > 0 && single,
    moreHalf: half && (passes > 0 || single),
  };
}

/**
 * Passes in rounds of as many as are written out, and those that are left.
 * @param pass the partial that writes one
 */
function passLoops(passes: number, pass = 'k-lanes-pass') {
  const written = unrollOf(passes);
  const rounds = Math.max(0, Math.floor(passes / written));
  return { pass, some: rounds > 0, several: rounds > 1, rounds, written, left: Math.max(0, passes) % written };
}
