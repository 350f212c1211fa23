import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, sha256 } from '../emit/manifest.ts';

/** The files of which the manifest has another checksum: a change that no golden vector shows is found all the same. */
export async function alteredFiles(dir: string, files: Manifest['files']): Promise<string[]> {
  const checked = files.map(async (file) => {
    const contents = await readFile(join(dir, file.path)).catch(() => undefined);
    return contents === undefined || sha256(contents) !== file.sha256 ? [file.path] : [];
  });
  return (await Promise.all(checked)).flat();
}
