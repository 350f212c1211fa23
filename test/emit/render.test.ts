import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRenderer, renderC, templatesIn, templateText } from '../../src/emit/render.ts';

let root: string;
let count = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'neonarrow-render-'));
  mkdirSync(join(root, 'partials'));
});
afterAll(() => rmSync(root, { recursive: true }));

function template(source: string): string {
  const name = `${count++}.hbs`;
  writeFileSync(join(root, name), source);
  return name;
}

const render = (source: string, data: object, escaping: 'none' | 'html' = 'none'): string =>
  createRenderer(root, escaping).render(template(source), data);

describe('render', () => {
  it('escapes for HTML only', () => {
    expect(render('{{text}}', { text: 'a < b && "c"' })).toBe('a < b && "c"');
    expect(render('{{text}}', { text: 'a < b' }, 'html')).toBe('a &lt; b');
  });

  it.each(['{{missing}}', '{{#if missing}}x{{/if}}', '{{#unless missing}}x{{/unless}}', '{{#each missing}}x{{/each}}'])(
    'throws where data lacks what %s reads',
    (source) => {
      expect(() => render(source, { present: 1 })).toThrow(/"missing"/);
    },
  );

  it.each(['{{#each list}}{{missing}}{{/each}}', '{{#each list}}{{#if missing}}x{{/if}}{{/each}}'])(
    'throws so inside of lists too: %s',
    (source) => {
      expect(() => render(source, { list: [{ a: 1 }] })).toThrow(/"missing"/);
    },
  );

  it('adds a number with its sign, and no zero', () => {
    expect(render('q{{plus a}}, q{{plus b}}, q{{plus c}}', { a: 4, b: -4, c: 0 })).toBe('q + 4, q - 4, q');
  });

  it('rejects an unknown helper and names the template', () => {
    expect(() => render('{{shout text}}', { text: 'a' })).toThrow(
      expect.objectContaining({ kind: 'invariant', place: `templates/${count}.hbs` }),
    );
  });

  it('prints zero, and takes an absent optional member that is there as undefined', () => {
    expect(render('{{n}}{{#if o}}x{{/if}}', { n: 0, o: undefined })).toBe('0');
  });

  it('indents the lines of a partial as its call', () => {
    const partials = join(root, 'partials');
    writeFileSync(
      join(partials, 'twice.hbs'),
      '{{#if inner}}\nfor {\n  {{> twice inner}}\n}\n{{else}}\nbody;\n{{/if}}\n',
    );
    const data = { outer: { inner: { inner: { inner: undefined } } } };
    expect(render('{\n  {{> twice outer}}\n}\n', data)).toBe('{\n  for {\n    for {\n      body;\n    }\n  }\n}\n');
  });
});

it('renderC reads the templates of the product', () => {
  expect(renderC('layer-head.c.hbs', { index: 3, name: 'conv */ 1', operator: '', lines: [] })).toBe(
    '/*\n * Step 3: conv * / 1\n */\n',
  );
});

it('directives of the preprocessor begin their lines: no partial that has one is called from further in', () => {
  const withDirectives = templatesIn('partials').filter((file) => /^#/m.test(templateText(`partials/${file}`)));
  expect(withDirectives).toContain('copy-loops.hbs');
  const paths = ['.', 'helpers', 'kernels', 'partials', 'test'].flatMap((folder) =>
    templatesIn(folder).map((file) => `${folder}/${file}`),
  );
  const templates = paths.filter((path) => path.endsWith('.hbs'));
  const calls = templates.flatMap((path) => templateText(path).match(/^ +\{\{> *[\w-]+/gm) ?? []);
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.filter((call) => withDirectives.includes(`${call.replace(/^.*> */, '')}.hbs`))).toEqual([]);
});
