import { fitsWindow, type SumRange } from '../../proof/accumulator.ts';
import { forEachWeight, type PackedWeights } from './pack.ts';
import { laneCount, type Walk } from './walk.ts';

/**
 * Where a K-in-lanes kernel flushes its lanes: nowhere before the end, after every `rows` of the kernel, or after every
 * `steps` of each run and at its end. Even flushes make short loops without tables, at the price of a few more of them than
 * flushes placed one by one.
 */
export type Partition =
  | { readonly kind: 'whole' }
  | { readonly kind: 'rows'; readonly rows: number }
  | { readonly kind: 'pieces'; readonly steps: number };

/** A walk, in rows of so many runs each. */
export interface RowWalk extends Walk {
  readonly runsPerRow: number;
}

/** Every partition worth trying, from the one with the fewest flushes to the one with the most. */
export function partitionsOf(walk: RowWalk): Partition[] {
  const rows = walk.runs / walk.runsPerRow;
  const inRows = sharesOf(rows).map((n): Partition => ({ kind: 'rows', rows: n }));
  const inPieces = sharesOf(walk.stepsPerRun).map((steps): Partition => ({ kind: 'pieces', steps }));
  // Rows of one run that are flushed one by one are pieces as long as a run.
  const distinct = inRows.filter((p) => p.kind === 'rows' && (p.rows > 1 || walk.runsPerRow > 1) && p.rows < rows);
  return [{ kind: 'whole' }, ...distinct, ...inPieces.filter((p) => walk.runs > 1 || !isWholeRun(p, walk))];
}

function isWholeRun(p: Partition, walk: Walk): boolean {
  return p.kind === 'pieces' && p.steps >= walk.stepsPerRun;
}

/** ⌈n / 1⌉, ⌈n / 2⌉, … 1, each once. */
function sharesOf(n: number): number[] {
  return [...new Set(Array.from({ length: n }, (_, i) => Math.ceil(n / (i + 1))))];
}

/** The steps after which the lanes are flushed, as `AccumulatorModel.segments`. */
export function segmentEnds(walk: RowWalk, partition: Partition): number[] {
  if (partition.kind === 'whole') return [walk.steps];
  const ends: number[] = [];
  if (partition.kind === 'rows') {
    const each = partition.rows * walk.runsPerRow * walk.stepsPerRun;
    for (let end = each; end < walk.steps; end += each) ends.push(end);
    return [...ends, walk.steps];
  }
  for (let run = 0; run < walk.runs; run++) {
    const first = run * walk.stepsPerRun;
    for (let step = partition.steps; step < walk.stepsPerRun; step += partition.steps) ends.push(first + step);
    ends.push(first + walk.stepsPerRun);
  }
  return ends;
}

/** Whether each 16-bit lane holds its sums: from a start value that centres them, or from zero. */
export function fitsLanes(
  packed: PackedWeights,
  segments: readonly number[],
  x: SumRange,
  from: 'start' | 'zero',
): boolean {
  const fits = (range: SumRange) =>
    fitsWindow(range, 16) && (from === 'start' || (range.lo >= -32768 && range.hi <= 32767));
  return packed.channelOf.every((channel, slot) => channel < 0 || slotFits(packed, slot, segments, x, fits));
}

function slotFits(
  packed: PackedWeights,
  slot: number,
  segments: readonly number[],
  x: SumRange,
  fits: (range: SumRange) => boolean,
): boolean {
  const [lo, hi] = [new Int32Array(laneCount), new Int32Array(laneCount)];
  let segment = 0;
  let result = true;
  forEachWeight(packed, slot, (step, lane, w) => {
    if (step >= segments[segment]!) {
      segment++;
      lo.fill(0);
      hi.fill(0);
    }
    lo[lane]! += w < 0 ? w * x.hi : w * x.lo;
    hi[lane]! += w < 0 ? w * x.lo : w * x.hi;
    // Ranges only widen within a segment.
    result = fits({ lo: lo[lane]!, hi: hi[lane]! });
    return result;
  });
  return result;
}
