import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { parseRecipe } from '../../src/data/recipe.ts';
import { targets } from '../../src/targets/index.ts';

/** What the pages say must be so. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', 'CHANGELOG.md', ...(await readdir(join(root, 'docs'))).map((name) => `docs/${name}`)];
const read = (page: string): Promise<string> => readFile(join(root, page), 'utf8');

describe.each(pages.filter((page) => page.endsWith('.md')))('%s', (page) => {
  test('links to files that exist', async () => {
    const links = [...(await read(page)).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target!);
    const broken = links.filter((t) => !/^https?:/.test(t) && !existsSync(join(root, dirname(page), t)));
    expect(broken).toEqual([]);
  });

  test('names files of the repository that exist', async () => {
    const named = [...(await read(page)).matchAll(/`((?:src|test|templates|toolchain|bench|examples)\/[\w./-]+)`/g)];
    // `src/…` of a bundle is meant where a placeholder follows.
    expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('the README', () => {
  const commands = createProgram().commands;

  test('lists every command', async () => {
    const listed = [...(await read('README.md')).matchAll(/^\| `(\w+)[ `]/gm)].map(([, name]) => name!);
    const names = commands.map((command) => command.name());
    expect(listed.filter((name) => names.includes(name)).sort()).toEqual(names.toSorted());
  });

  test('names options that exist', async () => {
    const flags = commands.flatMap((command) => command.options.map((option) => option.long));
    const text = (await read('README.md')).replaceAll(/^npm .*$|`--ignore-scripts`/gm, '');
    const named = [...text.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag);
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((flag) => flag !== '--help' && !flags.includes(flag))).toEqual([]);
  });

  test('lists every target', async () => {
    const text = await read('README.md');
    for (const name of targets.keys()) expect(text).toContain(`| \`${name}\` |`);
  });

  test('shows a recipe that is valid', async () => {
    const [, recipe] = /```json\n(.*?)```/s.exec(await read('README.md')) ?? [];
    expect(parseRecipe(recipe!, 'README.md')).toMatchObject({ labels: ['cat', 'dog'] });
  });
});
