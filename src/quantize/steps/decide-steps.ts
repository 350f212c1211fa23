import type { NodeId } from '../../graph/types.ts';
import type { ActivationChoice } from './activations.ts';

/** One number of steps for a group's activations, with the layers that read them. */
export interface Candidate {
  readonly choice: ActivationChoice;
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
  /** Instructions that flushing costs. */
  readonly flushes: number;
  /** Relative squared errors, added: of the outputs of all readers; or of these and the network's, their geometric mean. */
  readonly noise: number;
}

/** What there is to choose from for a group. */
export interface GroupCandidates {
  /** Those that fit their accumulators, at least one. */
  readonly candidates: readonly Candidate[];
  /** How many were tried. */
  readonly tried: number;
  /** The noise up to which fewer instructions are preferred to less noise; none where all candidates have the same segments. */
  readonly limit?: number;
}

export interface Decided {
  readonly best: Candidate;
  readonly why: string;
}

/** Of those with acceptable noise the one with the fewest instructions for flushes, and of these the one with the least noise. */
export function decideSteps({ candidates, tried, limit = 0 }: GroupCandidates): Decided {
  const acceptable = candidates.filter(({ noise }) => noise <= limit);
  const fit = `${candidates.length} of ${tried} widths fit`;
  const asked = tried === 1 ? 'width as asked for' : undefined;
  if (acceptable.length === 0) {
    const best = candidates.reduce((a, b) => (b.noise < a.noise ? b : a));
    return { best, why: asked ?? `least error; ${fit}` };
  }
  const best = acceptable.reduce((a, b) => (isBetter(b, a) ? b : a));
  return { best, why: asked ?? `${best.flushes === 0 ? 'no' : 'fewest'} flushes, then least error; ${fit}` };
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return a.flushes === b.flushes ? a.noise < b.noise : a.flushes < b.flushes;
}
