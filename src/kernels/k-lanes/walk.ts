import type { AccumulatorModel } from '../../graph/types.ts';

/**
 * The K-in-lanes kernels walk over an output's K products in runs of contiguous input bytes (the rows or the taps of the
 * kernel), 16 products a step: `vmlal_s8` on the low half, `vmlal_high_s8` on the high half of 16 bytes, so byte j of a
 * step goes to the 16-bit lane j mod 8. A run's last step is one of 8 products where that is enough; runs are padded with
 * zero weights to whole steps.
 */
export const stepProducts = 16;
export const laneCount = 8;

export interface Walk {
  readonly runs: number;
  readonly runLength: number;
  /** Steps, the shorter last one included. */
  readonly stepsPerRun: number;
  /** runs · stepsPerRun */
  readonly steps: number;
  /** True where a run's last step has 8 products. */
  readonly endsHalf: boolean;
  /** Bytes of packed weights that a channel has for a run. */
  readonly runBytes: number;
}

export function walkOf(length: number, runLength: number): Walk {
  const stepsPerRun = Math.ceil(runLength / stepProducts);
  const runs = length / runLength;
  const left = runLength % stepProducts;
  const endsHalf = left > 0 && left <= laneCount;
  const runBytes = stepsPerRun * stepProducts - (endsHalf ? laneCount : 0);
  return { runs, runLength, stepsPerRun, steps: runs * stepsPerRun, endsHalf, runBytes };
}

/** For comments in the C. */
export function runsText({ length, runLength }: { readonly length: number; readonly runLength: number }): string {
  const runs = length / runLength;
  return `${runs === 1 ? 'One run' : `${runs} runs`} of ${runLength} contiguous bytes`;
}

/** Products of a step, given by its place in the run. */
export function productsOfStep(walk: Walk, step: number): number {
  return walk.endsHalf && step === walk.stepsPerRun - 1 ? laneCount : stepProducts;
}

/** The accumulator model of a K-in-lanes kernel: 16-bit lanes, flushed after the given steps. */
export function laneModel(walk: Walk, segments: readonly number[]): AccumulatorModel {
  return { bits: 16, lanes: laneCount, step: stepProducts, runLength: walk.runLength, segments };
}
