import type { AccumulatorModel } from '../../graph/types.ts';
import { stepCount } from '../../ops/definition.ts';

/**
 * The K-in-lanes kernels walk over an output's K products in runs of contiguous input bytes (the rows or the taps of the
 * kernel), 16 products a step: `vmlal_s8` on the low half, `vmlal_high_s8` on the high half of 16 bytes, so byte j of a
 * step goes to the 16-bit lane j mod 8. Runs are padded with zero weights to whole steps.
 */
export const stepProducts = 16;
export const laneCount = 8;

export interface Walk {
  readonly runs: number;
  readonly runLength: number;
  readonly stepsPerRun: number;
  /** runs · stepsPerRun */
  readonly steps: number;
}

export function walkOf(length: number, runLength: number): Walk {
  const stepsPerRun = Math.ceil(runLength / stepProducts);
  const runs = length / runLength;
  return { runs, runLength, stepsPerRun, steps: runs * stepsPerRun };
}

/** The accumulator model of a K-in-lanes kernel: 16-bit lanes, flushed after the given steps. */
export function laneModel(walk: Walk, segments: readonly number[]): AccumulatorModel {
  return { bits: 16, lanes: laneCount, step: stepProducts, runLength: walk.runLength, segments };
}

/** True where the graph's model already speaks of this kernel's steps and lanes. */
export function isLaneModel(model: AccumulatorModel, walk: Walk, length: number): boolean {
  return (
    model.bits <= 16 &&
    model.lanes === laneCount &&
    model.step === stepProducts &&
    model.runLength === walk.runLength &&
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
export function piecesOf(walk: Walk, segments: readonly number[]): Piece[][] {
  let at = 0;
  return segments.map((end) => {
    const pieces: Piece[] = [];
    while (at < end) {
      const run = Math.floor(at / walk.stepsPerRun);
      const firstStep = at % walk.stepsPerRun;
      const steps = Math.min(end - at, walk.stepsPerRun - firstStep);
      pieces.push({ run, firstStep, steps });
      at += steps;
    }
    return pieces;
  });
}
