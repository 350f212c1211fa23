import { readFile } from 'node:fs/promises';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { DATA_FORMS } from './spec.ts';

/**
 * The bytes of a data file, at the start of their buffer (so that typed arrays may view them).
 *
 * @throws reject `data-not-found`, `data-unreadable`, `data-empty`
 */
export async function readDataFile(path: string): Promise<Uint8Array> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw unreadableData(path, error);
  }
  if (bytes.length > 0) return bytes.byteOffset === 0 ? bytes : new Uint8Array(bytes);
  const hint = 'Check that it was written or downloaded completely.';
  throw reject({ code: 'data-empty', message: 'The data file is empty.', place: path, hint });
}

export function unreadableData(path: string, error: unknown): NeonarrowError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const text = 'There is no such data file or folder.';
    return reject({ code: 'data-not-found', message: text, place: path, hint: `Check the path. ${DATA_FORMS}` }, error);
  }
  const text = `The data cannot be read: ${message}.`;
  return reject({ code: 'data-unreadable', message: text, place: path, hint: DATA_FORMS }, error);
}
