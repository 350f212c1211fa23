import { canCountInstructions } from '../build/plugin.ts';
import { reject } from '../core/diagnostics.ts';
import { type Progress, silentProgress } from '../core/progress.ts';
import { joined, type Shard, shardOf } from '../core/shard.ts';
import { lackingCpus, type Matrix, type MatrixToolchain, matrixToolchains } from './matrix.ts';
import { openBundle, type ReplayedBundle, replay } from './replay.ts';
import { type RegressResults, regressResults } from './result.ts';

export interface RegressRequest {
  readonly dirs: readonly string[];
  readonly matrix: Matrix;
  /** A part of the programs; all where absent. */
  readonly shard?: Shard;
}

/**
 * Replays the golden vectors of many bundles over a matrix of compilers, optimization levels and CPU models, as many programs
 * at a time as there are cores.
 * @throws what opening bundles and looking for tools throws; what goes wrong with a program is in its result
 */
export async function regress(request: RegressRequest, progress: Progress = silentProgress): Promise<RegressResults> {
  const { dirs, matrix, shard } = request;
  const bundles = await Promise.all(distinct(dirs).map(openBundle));
  const lacking = await lackingCpus(
    bundles.map(({ target }) => target),
    matrix,
  );
  if (lacking !== undefined) progress.log(lacking);
  const units: { bundle: ReplayedBundle; toolchain: MatrixToolchain }[] = [];
  for (const bundle of bundles) {
    const toolchains = await matrixToolchains(bundle.target, bundle.sources.baremetal.length > 0, matrix);
    units.push(...toolchains.map((toolchain) => ({ bundle, toolchain })));
  }
  const count = await canCountInstructions();
  if (!count) progress.log('instructions are not counted: QEMU’s plugin is missing (see "neonarrow doctor")');
  const own = shardOf(units, shard);
  progress.start('regress', own.length);
  const programs = await Promise.all(
    own.map(async ({ bundle, toolchain: { build, toolchain } }) => {
      const result = await replay(bundle, build, toolchain, count);
      progress.tick();
      return result;
    }),
  );
  progress.done();
  return regressResults(programs, shard);
}

function distinct(dirs: readonly string[]): readonly string[] {
  const names = dirs.map((dir) => dir.replace(/(?<=.)\/+$/, ''));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  const hint = 'Name every bundle once.';
  throw reject({ code: 'bad-usage', message: 'the bundle is named twice', place: twice, hint });
}

/**
 * The results of all shards as one, in the order of bundles and builds that one run has.
 * @throws reject `shards-do-not-fit` where they are not all shards of one run, or two of them ran the same program
 */
export function mergeResults(parts: readonly RegressResults[]): RegressResults {
  const programs = joined(parts, (part) => part.programs);
  const names = programs.map(({ bundle, build }) => `${bundle}, ${build}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return regressResults(programs);
  throw reject({
    code: 'shards-do-not-fit',
    message: 'two of the files have results of the same program',
    place: twice,
    hint: 'Merge the results of shards 1/n to n/n of one run.',
  });
}
