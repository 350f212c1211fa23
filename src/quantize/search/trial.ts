import { reject } from '../../core/diagnostics.ts';
import type { LayerOverride } from '../options.ts';
import type { Configuration } from './front.ts';
import type { NamedSettings } from './settings.ts';

export type LayerSettings = ReadonlyMap<string, LayerOverride>;

/** A configuration that was quantized as a whole and tried. */
export interface Trial {
  readonly layers: LayerSettings;
  /** Predicted, of the whole network. */
  readonly instructions: number;
  /** Relative squared error at the outputs, as the layers' errors predict it. */
  readonly error: number;
  /** Share of the held-out samples that are classified right, or as the float network does where there are no labels. */
  readonly score: number;
}

/** Quantizes the network with these settings and tries it on held-out samples. */
export type Attempt = (layers: LayerSettings) => Promise<Pick<Trial, 'instructions' | 'score'>>;

export interface Goal {
  /** Of the float network, on the same samples. */
  readonly floatScore: number;
  /** The most that may be lost of it: fewest instructions within. */
  readonly maxDrop?: number;
  /** The best score within so many predicted instructions. */
  readonly maxInstructions?: number;
}

export interface Found {
  readonly chosen: Trial;
  /** What no other trial beats in both instructions and score; fewest instructions first. */
  readonly front: readonly Trial[];
}

export async function trialOf(configuration: Configuration<NamedSettings>, attempt: Attempt): Promise<Trial> {
  const layers = new Map(configuration.chosen.map(({ settings }) => [settings.name, settings.override]));
  return { layers, error: configuration.error, ...(await attempt(layers)) };
}

export function meets(
  { score, instructions }: Trial,
  { floatScore, maxDrop = 1, maxInstructions = Infinity }: Goal,
): boolean {
  // Scores are fractions of whole samples: differences of them are not exact.
  return floatScore - score <= maxDrop + 1e-9 && instructions <= maxInstructions;
}

export function bestOf(trials: readonly Trial[], goal: Goal): Trial {
  const within = trials.filter((trial) => meets(trial, goal));
  if (within.length === 0) throw outOfReach(trials, goal);
  const isBetter =
    goal.maxDrop === undefined
      ? (a: Trial, b: Trial) => a.score > b.score || (a.score === b.score && a.error < b.error)
      : (a: Trial, b: Trial) =>
          a.instructions < b.instructions || (a.instructions === b.instructions && a.score > b.score);
  return within.reduce((a, b) => (isBetter(b, a) ? b : a));
}

function outOfReach(trials: readonly Trial[], { floatScore, maxDrop, maxInstructions }: Goal) {
  const fewest = Math.min(...trials.map((t) => t.instructions));
  const least = floatScore - Math.max(...trials.map((t) => t.score));
  const short = maxInstructions !== undefined && fewest > maxInstructions;
  return reject({
    code: 'goal-out-of-reach',
    message: short
      ? `No configuration needs fewer than ${Math.ceil(fewest)} predicted instructions.`
      : `No configuration found loses less than ${(least * 100).toFixed(2)} points on the held-out samples.`,
    place: short ? '--max-instructions' : '--max-drop',
    hint: maxDrop === undefined || short ? 'Allow more instructions.' : 'Allow a larger drop, or a wider accumulator.',
  });
}

/** What no other beats in both; fewest instructions first. */
export function frontOf(trials: readonly Trial[]): Trial[] {
  const sorted = [...trials].sort((a, b) => a.instructions - b.instructions || b.score - a.score);
  return sorted.filter((t, i) => sorted.slice(0, i).every((cheaper) => cheaper.score < t.score));
}
