import { appendFile, cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { neonarrow, objectOf, ownFolder, pathsIn, refusal } from './command-line.ts';

const digits = fileURLToPath(new URL('../../generated/digits', import.meta.url));

const folder = ownFolder();
const dir = join(folder, 'digits');
beforeAll(() => cp(digits, dir, { recursive: true }));

describe('report', () => {
  test('writes a page beside the folder, or where it is asked to', async () => {
    const said = await neonarrow('report', dir);
    expect(said).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/90 output channels proven, 0 measured/) });
    const page = await readFile(join(folder, 'digits.html'), 'utf8');
    expect(await pathsIn(dir)).toEqual(await pathsIn(digits));
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    const other = join(folder, 'pages', 'digits.html');
    const json = objectOf(await neonarrow('report', dir, '-o', other, '--json'));
    expect(json).toEqual({ report: other, provenChannels: 90, measuredChannels: 0, altered: [] });
    expect(await readFile(other, 'utf8')).toBe(page);
  });

  test('fails where a file is not as it was generated', async () => {
    await appendFile(join(dir, 'src', 'digits.c'), '/* mine */\n');
    const said = await neonarrow('report', dir);
    expect(said).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('src/digits.c: not as it was generated'),
    });
  });

  test('refuses other folders, and leaves nothing there', async () => {
    const before = await readdir(folder);
    expect(await refusal(2, folder, 'report', folder)).toContain(
      'error[not-a-bundle]: this is no folder that neonarrow',
    );
    expect(await readdir(folder)).toEqual(before);
  });
});
