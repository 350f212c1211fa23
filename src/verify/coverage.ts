import { isCalibrated, type StepPatterns } from './patterns.ts';
import type { TestStep } from './steps.ts';

/** What of a step the vectors cover; what the budget left out shows here. */
export interface StepCoverage {
  readonly layer: string;
  /** Vectors of this step alone, and how many there would be without a budget. */
  readonly vectors: number;
  readonly of: number;
  /** Bounds of accumulators that inputs attain (`Adversary.pairs`). Absent for steps that accumulate nothing. */
  readonly bounds?: { readonly attained: number; readonly of: number };
  /** Why the bounds are not attained, where no input may or can do so. */
  readonly note?: string;
}

/** @param taken how many of the step's patterns are tried */
export function coverageOf(step: TestStep, { patterns, adversary }: StepPatterns, taken: number): StepCoverage {
  const coverage = { layer: step.name, vectors: taken, of: patterns.length };
  if (adversary === undefined) return coverage;
  const extremes = patterns.slice(0, taken).filter((p) => p.kind === 'extreme').length;
  const bounds = { attained: adversary.attained ? adversary.coverage(extremes) : 0, of: adversary.pairs };
  const note = isCalibrated(step)
    ? 'only calibrated: inputs that attain the bounds may overflow'
    : adversary.attained
      ? undefined
      : (adversary.note ?? 'every window reaches into the padding: no inputs come closer to the bounds');
  return { ...coverage, bounds, ...(note === undefined ? {} : { note }) };
}

/** Lines for the user about what the vectors leave out; none where they try everything. */
export function describeCoverage(coverage: readonly StepCoverage[]): readonly string[] {
  const noted = coverage.flatMap((c) => (c.note === undefined ? [] : [`layer "${c.layer}": ${c.note}`]));
  const capped = coverage.filter((c) => c.vectors < c.of);
  if (capped.length === 0) return noted;
  const sum = (value: (c: StepCoverage) => number): number => coverage.reduce((total, c) => total + value(c), 0);
  const vectors = `${sum((c) => c.vectors)} of ${sum((c) => c.of)} vectors of single layers fit the budget`;
  const attained = `${sum((c) => c.bounds?.attained ?? 0)} of ${sum((c) => c.bounds?.of ?? 0)} accumulator bounds are attained`;
  return [`${vectors} (${capped.length} layers are capped); ${attained}, the widest sums first`, ...noted];
}
