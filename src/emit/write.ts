import { readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { makeFolder } from '../core/make-folder.ts';
import { manifestSchema } from './manifest.ts';
import type { SourceFile } from './types.ts';

/** The Makefile's folder: what it holds can be made again. */
const productFolder = 'build';

/**
 * Writes a bundle into a folder, all of it or nothing: files go to a folder next to it, which then takes its name. A folder
 * that holds a bundle and nothing else is replaced.
 *
 * @throws reject `not-a-bundle` where the folder holds anything that no bundle of ours does, `unwritable-output` where
 *   the file system refuses
 */
export async function writeBundle(folder: string, files: readonly SourceFile[]): Promise<void> {
  // The folder itself where a link leads to it.
  const target = await realpath(folder).catch(() => resolve(folder));
  const fresh = join(dirname(target), `.${basename(target)}.new-${process.pid}`);
  const old = join(dirname(target), `.${basename(target)}.old-${process.pid}`);
  try {
    const replaces = await isReplaceable(target, folder);
    await writeAll(fresh, files);
    if (replaces) await rename(target, old);
    try {
      await rename(fresh, target);
    } catch (error) {
      if (replaces) await rename(old, target);
      throw error;
    }
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    throw isFileSystemError(error) ? unwritable(folder, error) : error;
  }
}

/**
 * Finds out before long work whether `writeBundle` will be able to write there. Leaves no trace.
 * @throws as `writeBundle`
 */
export async function requireBundleFolder(folder: string): Promise<void> {
  const target = await realpath(folder).catch(() => resolve(folder));
  const trial = join(dirname(target), `.${basename(target)}.new-${process.pid}`);
  try {
    await isReplaceable(target, folder);
    const made = await makeFolder(trial);
    await rm(made ?? trial, { recursive: true });
  } catch (error) {
    throw isFileSystemError(error) ? unwritable(folder, error) : error;
  }
}

async function writeAll(root: string, files: readonly SourceFile[]): Promise<void> {
  await rm(root, { recursive: true, force: true });
  await makeFolder(root);
  for (const { path, contents } of files) {
    await makeFolder(dirname(join(root, path)));
    await writeFile(join(root, path), contents);
  }
}

/** False where there is nothing yet, true for an empty folder or a bundle; rejects anything else. */
async function isReplaceable(target: string, folder: string): Promise<boolean> {
  const found = await stat(target).catch((error: unknown) => {
    if (isFileSystemError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return false;
  if (!found.isDirectory()) throw notABundle(folder, 'it is a file');
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1));
  if (paths.length === 0) return true;
  const known = await bundleFiles(target);
  if (known === undefined) throw notABundle(folder, 'it has no manifest.json of neonarrow');
  const foreign = paths.filter((path) => !known.has(path) && !path.startsWith(`${productFolder}/`)).sort();
  if (foreign.length > 0) throw notABundle(folder, `it also holds ${foreign.slice(0, 3).join(', ')}`);
  return true;
}

/** The files that the bundle's manifest names; undefined where there is no manifest of ours. */
async function bundleFiles(target: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const text = await readFile(join(target, 'manifest.json'), 'utf8');
    const manifest = manifestSchema.pick({ generator: true, files: true }).safeParse(JSON.parse(text));
    return manifest.success ? new Set(['manifest.json', ...manifest.data.files.map((file) => file.path)]) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isFileSystemError(error)) return undefined;
    throw error;
  }
}

function isFileSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function notABundle(folder: string, why: string): NeonarrowError {
  return reject({
    code: 'not-a-bundle',
    message: `the folder is not overwritten, because ${why}`,
    place: folder,
    hint: 'Name a folder that does not exist yet, or move what is in it elsewhere.',
  });
}

function unwritable(folder: string, error: NodeJS.ErrnoException): NeonarrowError {
  return reject(
    {
      code: 'unwritable-output',
      message: `the folder cannot be written: ${error.message}`,
      place: folder,
      hint: 'Name a folder that you may write to, on a disk with room, with --out.',
    },
    error,
  );
}
