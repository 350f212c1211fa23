import { type Progress, silentProgress } from '../../core/progress.ts';
import { convexFront, type Unit } from './front.ts';
import { neighbours } from './neighbours.ts';
import type { NamedSettings } from './settings.ts';
import { type Attempt, bestOf, type Found, frontOf, type Goal, trialOf } from './trial.ts';

/** Candidates of a layer that are tried. */
const TRIED = 3;

/**
 * The paper's search: layer after layer, of the settings with the least measured error the one with the best score of the whole
 * network, the layers before it as chosen, those after it with their least error.
 */
export async function searchLayerWise(
  units: readonly Unit<NamedSettings>[],
  goal: Goal,
  attempt: Attempt,
  progress: Progress = silentProgress,
): Promise<Found> {
  let chosen = convexFront(units).at(-1)!;
  let best = await trialOf(chosen, attempt);
  const trials = [best];
  progress.start('layer by layer', units.length);
  for (const unit of units) {
    const own = new Set(
      unit.variants.flatMap((layers) => layers.flatMap((c) => c.map(({ settings }) => settings.name))),
    );
    const options = neighbours([unit], chosen)
      .filter((c) =>
        c.chosen.some((candidate, i) => candidate !== chosen.chosen[i] && own.has(candidate.settings.name)),
      )
      .sort((a, b) => a.error - b.error)
      .slice(0, TRIED - 1);
    for (const option of options) {
      const trial = await trialOf(option, attempt);
      trials.push(trial);
      if (trial.score > best.score || (trial.score === best.score && trial.error < best.error)) {
        [chosen, best] = [option, trial];
      }
    }
    progress.tick();
  }
  progress.done();
  return { chosen: bestOf([best], goal), front: frontOf(trials) };
}
