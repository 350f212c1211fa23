import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/emit/types.ts';
import { writeBundle } from '../../src/emit/write.ts';

let root: string;
let target: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-write-'));
  target = join(root, 'out', 'digits');
});

afterEach(async () => {
  await chmod(root, 0o755);
  await rm(root, { recursive: true });
});

function bundle(...paths: string[]): SourceFile[] {
  const files = paths.map((path) => ({ path, bytes: 1, sha256: '' }));
  const manifest = { path: 'manifest.json', contents: JSON.stringify({ generator: 'neonarrow', files }) };
  return [...paths.map((path) => ({ path, contents: `new ${path}` })), manifest];
}

async function tree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => !e.isDirectory())
    .map((e) => join(e.parentPath, e.name).slice(folder.length + 1))
    .sort();
}

describe('writeBundle', () => {
  it('writes files into folders, and nothing else next to them', async () => {
    await writeBundle(target, [
      ...bundle('src/a.c', 'include/a.h'),
      { path: 'test/v', contents: Uint8Array.of(1, 255) },
    ]);
    expect(await tree(target)).toEqual(['include/a.h', 'manifest.json', 'src/a.c', 'test/v']);
    expect(await readFile(join(target, 'test/v'))).toEqual(Buffer.of(1, 255));
    expect(await readdir(join(root, 'out'))).toEqual(['digits']);
  });

  it('replaces a bundle and what was built of it', async () => {
    await writeBundle(target, bundle('src/a.c', 'src/old.c'));
    await mkdir(join(target, 'build'));
    await writeFile(join(target, 'build/a.o'), '');
    await writeBundle(target, bundle('src/a.c'));
    expect(await tree(target)).toEqual(['manifest.json', 'src/a.c']);
    expect(await readdir(join(root, 'out'))).toEqual(['digits']);
  });

  it('takes an empty folder', async () => {
    await mkdir(target, { recursive: true });
    await writeBundle(target, bundle('src/a.c'));
    expect(await tree(target)).toEqual(['manifest.json', 'src/a.c']);
  });

  it.each([
    ['thesis.tex', 'it has no manifest.json of neonarrow'],
    ['manifest.json', 'it has no manifest.json of neonarrow'],
  ])('refuses a folder with somebody else’s %s, and leaves it as it is', async (name, why) => {
    await mkdir(target, { recursive: true });
    await writeFile(join(target, name), '{"name": "other"}');
    await expect(writeBundle(target, bundle('src/a.c'))).rejects.toMatchObject({
      kind: 'reject',
      code: 'not-a-bundle',
      message: `the folder is not overwritten, because ${why}`,
      place: target,
    });
    expect(await tree(target)).toEqual([name]);
    expect(await readdir(join(root, 'out'))).toEqual(['digits']);
  });

  it('refuses a bundle with files that it did not write', async () => {
    await writeBundle(target, bundle('src/a.c'));
    await writeFile(join(target, 'src/mine.c'), 'precious');
    await expect(writeBundle(target, bundle('src/a.c'))).rejects.toMatchObject({
      code: 'not-a-bundle',
      message: 'the folder is not overwritten, because it also holds src/mine.c',
    });
    expect(await tree(target)).toEqual(['manifest.json', 'src/a.c', 'src/mine.c']);
  });

  it('refuses a file', async () => {
    await writeFile(join(root, 'out'), '');
    await expect(writeBundle(join(root, 'out'), bundle())).rejects.toMatchObject({
      message: 'the folder is not overwritten, because it is a file',
    });
  });

  it('says why a folder cannot be written', async () => {
    await writeFile(join(root, 'out'), '');
    await expect(writeBundle(target, bundle('src/a.c'))).rejects.toMatchObject({
      kind: 'reject',
      code: 'unwritable-output',
      message: expect.stringMatching(/^the folder cannot be written: E/),
      place: target,
    });
  });

  it('leaves nothing behind, and the old bundle in place, when writing fails half-way', async () => {
    await writeBundle(target, bundle('src/a.c'));
    const failing = [...bundle('src/a.c', 'src/b.c'), { path: 'src/a.c/impossible', contents: '' }];
    await expect(writeBundle(target, failing)).rejects.toMatchObject({ code: 'unwritable-output' });
    expect(await tree(target)).toEqual(['manifest.json', 'src/a.c']);
    expect(await readdir(join(root, 'out'))).toEqual(['digits']);
  });

  it('follows a link to a bundle', async () => {
    await writeBundle(target, bundle('src/a.c', 'src/old.c'));
    await symlink(target, join(root, 'link'));
    await writeBundle(join(root, 'link'), bundle('src/a.c'));
    expect(await tree(target)).toEqual(['manifest.json', 'src/a.c']);
    expect(await readlink(join(root, 'link'))).toBe(target);
  });
});
