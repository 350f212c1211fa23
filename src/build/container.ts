import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { execa, type Options } from 'execa';
import { missingTool } from '../core/diagnostics.ts';
import { type Engine, findEngine } from './engines.ts';
import { execute } from './execute.ts';

/** The image that `docker/Dockerfile` makes; NEONARROW_IMAGE names another. */
const defaultImage = 'neonarrow';

/** `stdout` is for `--json`: never a terminal's, which would mix the streams. */
const streams = { reject: false, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' } as const satisfies Options;

/**
 * Runs neonarrow in its image: the current folder is `/data`, files belong to the user, stdout and stderr are this process's.
 * Nothing of the container is left, also when interrupted.
 * @returns its exit code
 * @throws missingTool `missing-tool` where no engine works, `missing-image` where it does not have the image
 */
export async function runInContainer(words: readonly string[]): Promise<number> {
  const engine = await findEngine();
  const named = process.env['NEONARROW_IMAGE'];
  // A registry's image is fetched by the engine; our own name is not to be looked for in one, where it is anybody's.
  if (named === undefined) await requireImage(engine, defaultImage);
  const run = engine.command === 'buildah' ? runInWorkingContainer : runImage;
  return run(engine, named ?? defaultImage, words);
}

async function requireImage({ command, globals }: Engine, image: string): Promise<void> {
  const args = [...globals, 'inspect', '--type', 'image', image];
  const { exitCode } = await execute({ command, args, timeoutMs: 60_000 });
  if (exitCode === 0) return;
  throw missingTool({
    code: 'missing-image',
    message: `${command} has no image "${image}"`,
    place: '--in-docker',
    hint:
      command === 'buildah'
        ? `In a clone: "sh docker/check.sh" builds it, or name another in NEONARROW_IMAGE.`
        : `In a clone: "${command} build -f docker/Dockerfile -t ${image} .", or name another in NEONARROW_IMAGE.`,
  });
}

/** What docker and podman do in one command. */
async function runImage(engine: Engine, image: string, words: readonly string[]): Promise<number> {
  const { exitCode } = await execa(engine.command, ['run', '--rm', ...access(engine), image, ...words], streams);
  return exitCode ?? 1;
}

/** buildah makes a container, runs commands in it (without the image's entry point), and removes it. */
async function runInWorkingContainer(engine: Engine, image: string, words: readonly string[]): Promise<number> {
  const { command, globals } = engine;
  const container = `neonarrow-${randomUUID()}`;
  const remove = () => void spawnSync(command, [...globals, 'rm', container], { stdio: 'ignore' });
  // `process.exit` of an interrupt's handler skips `finally`.
  process.once('exit', remove);
  try {
    const from = [...globals, 'from', '--name', container, image];
    const made = await execa(command, from, { ...streams, stdout: 'ignore' });
    if (made.exitCode !== 0) return made.exitCode ?? 1;
    const run = ['run', '--terminal=false', ...access(engine), container, '--', 'neonarrow', ...words];
    return (await execa(command, [...globals, ...run], streams)).exitCode ?? 1;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** The current folder, as a user to whom it belongs. */
function access({ rootless }: Engine): readonly string[] {
  // In a user's own namespace root is that user, and other numbers are nobody that could write here.
  const owner = rootless ? '0:0' : `${process.getuid?.()}:${process.getgid?.()}`;
  const user = process.getuid === undefined ? [] : ['--user', owner];
  return [...user, '-v', `${process.cwd()}:/data`];
}
