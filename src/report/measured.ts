import type { BenchResult } from '../bench/bench.ts';
import type { VerifyResult } from '../verify/result.ts';

/** What was found out by running the program, where that was asked for. */
export interface Measured {
  readonly verification?: VerifyResult;
  readonly bench?: BenchResult;
}
