import { type Progress, silentProgress } from '../../core/progress.ts';
import { type Configuration, convexFront, thinned, type Unit } from './front.ts';
import { neighbours } from './neighbours.ts';
import type { NamedSettings } from './settings.ts';
import { type Attempt, bestOf, type Found, frontOf, type Goal, meets, type Trial, trialOf } from './trial.ts';

/** Points of the predicted front that are tried. */
const POINTS = 10;

interface Tried {
  readonly trial: Trial;
  readonly configuration: Configuration<NamedSettings>;
}

/**
 * Trades data bits, accumulators, flushes and domains of all layers against predicted instructions: corners of the front that the
 * layers' measured errors predict are quantized and tried, and from the best of them single layers are made cheaper as long as
 * the floor holds.
 */
export async function searchGlobally(
  units: readonly Unit<NamedSettings>[],
  goal: Goal,
  attempt: Attempt,
  progress: Progress = silentProgress,
): Promise<Found> {
  const corners = convexFront(units);
  const points = thinned(corners, POINTS);
  progress.start('try the front', points.length);
  const trials: Tried[] = [];
  const attemptAt = async (configuration: Configuration<NamedSettings>): Promise<Trial> => {
    const trial = await trialOf(configuration, attempt);
    trials.push({ trial, configuration });
    progress.tick();
    return trial;
  };
  const first = await attemptAt(points[0]!);
  const rest = first.instructions - points[0]!.instructions;
  const { maxInstructions } = goal;
  for (const point of points.slice(1)) {
    if (maxInstructions === undefined || point.instructions + rest <= maxInstructions) await attemptAt(point);
  }
  if (maxInstructions !== undefined) {
    const full = fillBudget(units, corners, maxInstructions - rest);
    if (full !== undefined) await attemptAt(full);
  } else {
    await cheapen(units, goal, trials, attemptAt);
  }
  progress.done();
  const all = trials.map(({ trial }) => trial);
  return { chosen: bestOf(all, goal), front: frontOf(all) };
}

/** The most accurate corner within the budget, and from there the upgrades that fit, those with the most gain an instruction first. */
function fillBudget(
  units: readonly Unit<NamedSettings>[],
  corners: readonly Configuration<NamedSettings>[],
  budget: number,
): Configuration<NamedSettings> | undefined {
  let best = corners.filter((c) => c.instructions <= budget).at(-1);
  while (best !== undefined) {
    const next: Configuration<NamedSettings> | undefined = neighbours(units, best)
      .filter((c) => c.instructions <= budget && c.error < best!.error)
      .sort((a, b) => gain(best!, b) - gain(best!, a))[0];
    if (next === undefined) return best;
    best = next;
  }
  return undefined;
}

function gain(from: Configuration, to: Configuration): number {
  return (from.error - to.error) / Math.max(1, to.instructions - from.instructions);
}

/** From the cheapest trial within the floor: one layer after the other cheaper, as long as it stays within. */
async function cheapen(
  units: readonly Unit<NamedSettings>[],
  goal: Goal,
  trials: readonly Tried[],
  attemptAt: (configuration: Configuration<NamedSettings>) => Promise<Trial>,
): Promise<void> {
  const within = trials.filter(({ trial }) => meets(trial, goal));
  if (goal.maxDrop === undefined || within.length === 0) return;
  let { configuration: best } = within.reduce((a, b) => (b.trial.instructions < a.trial.instructions ? b : a));
  for (let tries = 0; tries < units.length; tries++) {
    const cheaper = neighbours(units, best).filter((c) => c.instructions < best.instructions);
    const loss = (c: Configuration) => (c.error - best.error) / (best.instructions - c.instructions);
    const next = cheaper.sort((a, b) => loss(a) - loss(b))[0];
    if (next === undefined || !meets(await attemptAt(next), goal)) return;
    best = next;
  }
}
