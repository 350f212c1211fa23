import process from 'node:process';
import { execa } from 'execa';
import { missingTool } from '../core/diagnostics.ts';
import { execute } from './execute.ts';

/** The image that `docker/Dockerfile` makes; NEONARROW_IMAGE names another. */
const defaultImage = 'neonarrow';

/**
 * Runs neonarrow in its image: the current folder is `/data`, files belong to the user, the streams are this process's.
 * @returns its exit code
 * @throws missingTool `missing-tool` where neither docker nor podman works
 */
export async function runInContainer(words: readonly string[]): Promise<number> {
  const engine = await findEngine();
  const image = process.env['NEONARROW_IMAGE'] ?? defaultImage;
  const user = process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`];
  const args = ['run', '--rm', ...user, '-v', `${process.cwd()}:/data`, image, ...words];
  const { exitCode } = await execa(engine, args, { reject: false, stdio: 'inherit' });
  return exitCode ?? 1;
}

async function findEngine(): Promise<string> {
  for (const engine of ['docker', 'podman']) {
    const info = await execute({ command: engine, args: ['info'], timeoutMs: 20_000 }).catch(() => undefined);
    if (info?.exitCode === 0) return engine;
  }
  throw missingTool({
    code: 'missing-tool',
    message: 'neither docker nor podman works here',
    place: '--in-docker',
    hint: 'Install one of them, or the tools that "neonarrow doctor" lists.',
  });
}
