import type { Graph } from '../graph/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Target } from '../targets/target.ts';

/** The program of a bundle, as it was emitted. */
export interface VerifiedProgram {
  /** Prefix of all symbols. */
  readonly prefix: string;
  readonly graph: Graph;
  readonly plan: Plan;
  readonly target: Target;
}
