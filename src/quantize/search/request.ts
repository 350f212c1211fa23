import type { Graph, NodeId } from '../../graph/types.ts';
import type { QuantizeOptions } from '../options.ts';
import type { Statistics } from '../statistics.ts';

/** Predicted instructions of a quantized graph; comes from above, as layers below know no kernels. */
export type InstructionCount = (graph: Graph) => number;

export interface CandidateRequest {
  readonly graph: Graph;
  readonly statistics: Statistics;
  readonly options: QuantizeOptions;
  readonly instructionsOf: InstructionCount;
  /** How much of each layer's error arrives at the outputs. */
  readonly sensitivities: ReadonlyMap<NodeId, number>;
  /** Whether accumulators and flushes may differ from the options', or data bits and what follows from them only. */
  readonly global: boolean;
}
