import process from 'node:process';
import { missingTool } from '../core/diagnostics.ts';
import { execute } from './execute.ts';

/** A program that runs containers. */
export interface Engine {
  readonly command: 'docker' | 'podman' | 'buildah';
  /** What comes before each of its commands. */
  readonly globals: readonly string[];
  /** It runs as the user, in a namespace where that user is root. */
  readonly rootless: boolean;
}

/** How each is asked whether it is rootless, and what it answers then. */
const engines = [
  { command: 'docker', format: '{{.SecurityOptions}}', answer: 'name=rootless' },
  { command: 'podman', format: '{{.Host.Security.Rootless}}', answer: 'true' },
  { command: 'buildah', format: '{{.host.rootless}}', answer: 'true' },
] as const;

/**
 * The first of docker, podman and buildah that works here.
 * @throws missingTool `missing-tool`
 */
export async function findEngine(): Promise<Engine> {
  for (const { command, format, answer } of engines) {
    const globals = command === 'buildah' ? storage() : [];
    const args = [...globals, 'info', '--format', format];
    const info = await execute({ command, args, timeoutMs: 20_000 }).catch(() => undefined);
    if (info?.exitCode !== 0) continue;
    return { command, globals, rootless: new TextDecoder().decode(info.stdout).includes(answer) };
  }
  throw missingTool({
    code: 'missing-tool',
    message: 'none of docker, podman and buildah works here',
    place: '--in-docker',
    hint: 'Install one of them, or the tools that "neonarrow doctor" lists.',
  });
}

/** podman reads STORAGE_DRIVER itself, buildah 1.28 does not, whatever its manual says. */
function storage(): readonly string[] {
  const driver = process.env['STORAGE_DRIVER'];
  return driver === undefined ? [] : ['--storage-driver', driver];
}
