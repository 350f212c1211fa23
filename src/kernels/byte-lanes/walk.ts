import type { AccumulatorModel } from '../../graph/types.ts';
import { stepCount } from '../../ops/definition.ts';
import { isByteLanes } from '../../proof/accumulator.ts';
import type { Geometry } from '../k-lanes/geometry.ts';

/**
 * The kernels with K in 16 lanes of 8 bits walk over an output's K products in runs of contiguous input bytes (the rows or
 * the taps of the kernel), 16 products a step: one `vmlaq_s8`, byte j of a step to lane j. Runs are padded with zero
 * weights to whole steps.
 */
export const laneCount = 16;
export const laneBits = 8;

export interface ByteWalk {
  readonly runs: number;
  readonly runLength: number;
  readonly stepsPerRun: number;
  /** runs · stepsPerRun */
  readonly steps: number;
  /** Where lanes are flushed, as `AccumulatorModel.segments`. */
  readonly segments: readonly number[];
}

/** The walk of a layer whose accumulators are 16 lanes of 8 bits. */
export function byteWalkOf({ reduction, integer }: Geometry): ByteWalk {
  const { length, runLength } = reduction;
  const stepsPerRun = Math.ceil(runLength / laneCount);
  const runs = length / runLength;
  return { runs, runLength, stepsPerRun, steps: runs * stepsPerRun, segments: integer.accumulator.segments };
}

/** True where the graph sums in these lanes, in this order. */
export function speaksOfByteLanes(model: AccumulatorModel, { reduction: { length, runLength } }: Geometry): boolean {
  return (
    isByteLanes(model) &&
    model.step === laneCount &&
    model.runLength === runLength &&
    model.segments.at(-1) === stepCount(model, length)
  );
}

/** A stretch of steps within one run, with no flush inside. */
export interface Piece {
  readonly run: number;
  readonly firstStep: number;
  readonly steps: number;
}

/** The pieces of each segment, in walking order. */
export function piecesOf({ stepsPerRun, segments }: ByteWalk): Piece[][] {
  let at = 0;
  return segments.map((end) => {
    const pieces: Piece[] = [];
    while (at < end) {
      const firstStep = at % stepsPerRun;
      const steps = Math.min(end - at, stepsPerRun - firstStep);
      pieces.push({ run: Math.floor(at / stepsPerRun), firstStep, steps });
      at += steps;
    }
    return pieces;
  });
}
