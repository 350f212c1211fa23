import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reject } from './diagnostics.ts';

/**
 * Writes a file whole or not at all: under another name first, then renamed.
 * @throws reject `unwritable-output`
 */
export async function writeFileSafely(path: string, contents: string | Uint8Array): Promise<void> {
  const fresh = `${path}.new-${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(fresh, contents);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    const message = `the file cannot be written: ${(error as Error).message}`;
    throw reject(
      { code: 'unwritable-output', message, place: path, hint: 'Name a place that you may write to.' },
      error,
    );
  }
}
