import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { withTempDir } from '../../src/build/temp.ts';

const root = resolve(import.meta.dirname, '../..');

/** Runs the repository's layer rules over a small tree of files; returns the names of the violated rules. */
async function violations(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return withTempDir(async (dir) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    await writeFile(join(dir, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext", "noEmit": true } }');
    await writeFile(
      join(dir, 'package.json'),
      '{ "type": "module", "dependencies": { "handlebars": "*", "execa": "*" } }',
    );
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
    const config = join(root, '.dependency-cruiser.mjs');
    const depcruise = join(root, 'node_modules/.bin/depcruise');
    const { stdout } = await execa(depcruise, ['--config', config, '--output-type', 'json', 'src'], {
      cwd: dir,
      reject: false,
    });
    const found: { rule: { name: string } }[] = JSON.parse(stdout).summary.violations;
    return [...new Set(found.map((violation) => violation.rule.name))].sort();
  });
}

const leaf = 'export const x = 1;\nexport type X = number;\n';

test('imports that point down are fine', async () => {
  const files = {
    'src/core/x.ts': leaf,
    'src/interpret/a.ts': `import { x } from '../core/x.ts';\nexport const a = x;\n`,
    'src/emit/render.ts': `import handlebars from 'handlebars';\nexport const b = handlebars;\n`,
    'src/main.ts': `import { a } from './interpret/a.ts';\nimport { b } from './emit/render.ts';\nexport const c = [a, b];\n`,
  };
  expect(await violations(files)).toEqual([]);
});

test.each([
  [
    'up a level',
    { 'src/graph/a.ts': `import { x } from '../ops/x.ts';\nexport const a = x;\n`, 'src/ops/x.ts': leaf },
    'graph-imports-down-only',
  ],
  [
    'up, a type only',
    { 'src/ops/a.ts': `import type { X } from '../emit/x.ts';\nexport const a: X = 1;\n`, 'src/emit/x.ts': leaf },
    'ops-imports-down-only',
  ],
  [
    'kernels from the reference',
    { 'src/interpret/a.ts': `import { x } from '../kernels/x.ts';\nexport const a = x;\n`, 'src/kernels/x.ts': leaf },
    'interpret-is-independent',
  ],
  [
    'out of core',
    { 'src/core/a.ts': `import { x } from '../numeric/x.ts';\nexport const a = x;\n`, 'src/numeric/x.ts': leaf },
    'core-imports-nothing',
  ],
  [
    'in a circle',
    {
      'src/ops/a.ts': `export { b } from './b.ts';\n`,
      'src/ops/b.ts': `export * from './a.ts';\nexport const b = 1;\n`,
    },
    'no-cycles',
  ],
  [
    'handlebars outside emit',
    { 'src/report/a.ts': `import handlebars from 'handlebars';\nexport const a = handlebars;\n` },
    'handlebars-only-in-emit',
  ],
  [
    'execa outside build',
    { 'src/verify/a.ts': `import { execa } from 'execa';\nexport const a = execa;\n` },
    'execa-only-in-build',
  ],
  [
    'from a folder without a level',
    { 'src/stray/a.ts': `import { x } from '../core/x.ts';\nexport const a = x;\n`, 'src/core/x.ts': leaf },
    'no-unknown-folder',
  ],
])('an import %s is caught', async (_, files, rule) => {
  expect(await violations(files)).toContain(rule);
});
