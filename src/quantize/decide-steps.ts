import type { NodeId } from '../graph/types.ts';
import type { ActivationChoice } from './activations.ts';

/** One number of steps for a group's activations, with the layers that read them. */
export interface Candidate {
  readonly choice: ActivationChoice;
  readonly segments: ReadonlyMap<NodeId, number | 'flush'>;
  /** Instructions that flushing costs. */
  readonly flushes: number;
  /** Relative squared errors of the outputs of all readers, added. */
  readonly noise: number;
}

/** What there is to choose from for a group. */
export interface GroupCandidates {
  /** Those that fit their accumulators, at least one. */
  readonly candidates: readonly Candidate[];
  /** How many were tried. */
  readonly tried: number;
  /** The noise up to which fewer instructions are preferred to less noise. */
  readonly limit: number;
  /** Whether the group may take part in one choice for all: nothing was asked for, and flushes are none of its business. */
  readonly shares: boolean;
}

export interface Decided {
  readonly best: Candidate;
  readonly why: string;
}

/** Of those with acceptable noise the one with the fewest instructions for flushes, and of these the one with the least noise. */
export function decideAlone({ candidates, tried, limit }: GroupCandidates): Decided {
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

/**
 * One number of steps for all groups that share: the one with the least noise in all of them together. Of layers on their own the
 * estimates say too little once weights are fitted: rounding errors of data average out in the layers behind, those of weights
 * don't. Widths of their own for all layers did worse on All-CNN-C (docs/quantization.md).
 */
export function decideTogether(groups: readonly GroupCandidates[]): ReadonlyMap<GroupCandidates, Decided> {
  const sharing = groups.filter(({ shares }) => shares);
  const noise = new Map<number, number[]>();
  for (const { candidates } of sharing) {
    for (const candidate of candidates) {
      const steps = stepsOfCandidate(candidate);
      noise.set(steps, [...(noise.get(steps) ?? []), candidate.noise]);
    }
  }
  const total = (noises: readonly number[]) => noises.reduce((a, b) => a + b, 0);
  const everywhere = [...noise].filter(([, noises]) => noises.length === sharing.length);
  if (everywhere.length === 0) return new Map();
  const [steps] = everywhere.reduce((a, b) => (total(b[1]) < total(a[1]) ? b : a));
  const why = `${steps} steps for all layers but the first: least error in all of them; ${everywhere.length} numbers of steps fit all`;
  return new Map(
    sharing.map((group) => [group, { best: group.candidates.find((c) => stepsOfCandidate(c) === steps)!, why }]),
  );
}

function stepsOfCandidate({ choice: { quant } }: Candidate): number {
  return quant.qmax - quant.qmin;
}
