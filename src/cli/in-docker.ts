import { relative, resolve } from 'node:path';
import process from 'node:process';
import { runInContainer } from '../build/container.ts';
import { examineTools, isHealthy } from '../build/doctor.ts';
import { reject } from '../core/diagnostics.ts';

export const inDockerFlag = '--in-docker';

/**
 * With `--in-docker` among the words, and a tool that `build` and `verify` need missing here: runs the command in the image of
 * `docker/Dockerfile`, with the current folder as its `/data`. Returns its exit code, or undefined where the command is to run here.
 * @throws reject `outside-folder` for files that the container would not see; missingTool `missing-tool`
 */
export async function runElsewhere(words: readonly string[]): Promise<number | undefined> {
  if (!words.includes(inDockerFlag) || isHealthy(await examineTools())) return undefined;
  const rest = words.filter((word) => word !== inDockerFlag);
  return runInContainer(rest.map(visible));
}

/** A path as the container sees it. What begins with `/` or `..` is a path; a data set may name its kind before it. */
function visible(word: string): string {
  const [, kind = '', path = ''] = /^((?:--[\w-]+=)?(?:\w+:)?)((?:\/|\.\.(?:\/|$)).*)$/.exec(word) ?? [];
  if (path === '') return word;
  const fromHere = relative(process.cwd(), resolve(path));
  if (fromHere !== '..' && !fromHere.startsWith('../')) return `${kind}${fromHere === '' ? '.' : fromHere}`;
  throw reject({
    code: 'outside-folder',
    message: `"${path}" is outside the current folder, which is all that the container sees`,
    place: inDockerFlag,
    hint: 'Run the command in a folder that has the model, the data and the bundles below it.',
  });
}
