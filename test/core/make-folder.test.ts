import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/core/make-folder.ts';
import { requireWritable } from '../../src/core/write-file.ts';
import { requireBundleFolder } from '../../src/emit/write.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'make-folder-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('makeFolder', () => {
  it('makes what is missing and tells the topmost', async () => {
    expect(await makeFolder(join(root, 'a/b/c'))).toBe(join(root, 'a'));
    expect((await stat(join(root, 'a/b/c'))).isDirectory()).toBe(true);
    expect(await makeFolder(join(root, 'a/b/c'))).toBeUndefined();
    expect(await makeFolder(join(root, 'a/b/d/e'))).toBe(join(root, 'a/b/d'));
  });

  it('refuses a file in the way', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(makeFolder(join(root, 'file'))).rejects.toThrow('ENOTDIR');
    await expect(makeFolder(join(root, 'file/below'))).rejects.toThrow('ENOTDIR');
  });
});

// /proc calls every new folder missing; Node's recursive mkdir never returns there.
describe.runIf(process.platform === 'linux')('a file system without room for folders', () => {
  it('is refused for a bundle', async () => {
    await expect(requireBundleFolder('/proc/out')).rejects.toThrow('the folder cannot be written: ENOENT');
    await expect(requireBundleFolder('/proc/out/deep')).rejects.toThrow('the folder cannot be written: ENOENT');
  });

  it('is refused for a file', async () => {
    await expect(requireWritable('/proc/out/sweep.csv')).rejects.toThrow('the file cannot be written: ENOENT');
  });
});
