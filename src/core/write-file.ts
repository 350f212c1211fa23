import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type NeonarrowError, reject } from './diagnostics.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Writes a file whole or not at all: under another name first, then renamed.
 * @throws reject `unwritable-output`
 */
export async function writeFileSafely(path: string, contents: string | Uint8Array): Promise<void> {
  const fresh = `${path}.new-${process.pid}`;
  try {
    await makeFolder(dirname(path));
    await writeFile(fresh, contents);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/**
 * Finds out before long work whether `writeFileSafely` will be able to write there. Leaves no trace.
 * @throws reject `unwritable-output`
 */
export async function requireWritable(path: string): Promise<void> {
  const trial = `${path}.new-${process.pid}`;
  try {
    const made = await makeFolder(dirname(path));
    await writeFile(trial, '');
    await rm(made ?? trial, { recursive: true });
  } catch (error) {
    throw unwritable(path, error);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw unwritable(path, new Error('it is a folder'));
}

function unwritable(path: string, error: unknown): NeonarrowError {
  const message = `the file cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  return reject(
    { code: 'unwritable-output', message, place: path, hint: 'Name a place that you may write to.' },
    error,
  );
}
