import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing. As `mkdir` with `recursive`, which however never returns in Node 20
 * where a file system such as /proc calls every new folder missing.
 * @returns the topmost folder that was made; undefined where all were there
 * @throws the file system's error
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const missing = await missingFolders(resolve(folder));
  for (const path of missing) {
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      // Made by another process in the meantime.
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return missing[0];
}

/** The folder and those above it that do not exist, topmost first. */
async function missingFolders(folder: string): Promise<string[]> {
  try {
    if ((await stat(folder)).isDirectory()) return [];
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing && dirname(folder) !== folder) return [...(await missingFolders(dirname(folder))), folder];
    throw error;
  }
  throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${folder}'`), { code: 'ENOTDIR', syscall: 'mkdir' });
}
