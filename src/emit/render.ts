import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';
import { invariant } from '../core/diagnostics.ts';
import { commentText, markdownText } from './text.ts';

/**
 * Templates lay out, TypeScript decides: the only module that knows Handlebars. Templates see plain data through a proxy
 * that throws on a missing member, since Handlebars' strict mode lets `{{#if missing}}` and `{{#each missing}}` pass.
 */
export interface Renderer {
  /** Renders `<root>/<path>`. Throws `invariant` where template and data do not fit together. */
  render(path: string, data: object): string;
}

/** Formatting only: nothing here computes what the program does. */
const helpers: Readonly<Record<string, (value: string) => string>> = {
  /** `{{comment text}}`: text that cannot end the C comment around it. */
  comment: commentText,
  /** `{{markdown text}}`: text that formats nothing. */
  markdown: markdownText,
  /** `i{{increment step}}`: `i++`, or `i += 4`. */
  increment: (step) => (Number(step) === 1 ? '++' : ` += ${step}`),
  /** `q{{plus n}}`: `q + 4`, `q - 4`, or `q`. */
  plus: (n) => (Number(n) === 0 ? '' : ` ${Number(n) < 0 ? '-' : '+'} ${Math.abs(Number(n))}`),
};

const templateRoot = fileURLToPath(new URL('../../templates', import.meta.url));

const c = createRenderer(templateRoot, 'none');
const html = createRenderer(templateRoot, 'html');

/** Renders a template of `templates/` with nothing escaped. */
export function renderC(path: string, data: object): string {
  return c.render(path, data);
}

/** Renders a template of `templates/` as HTML: values are escaped. */
export function renderHtml(path: string, data: object): string {
  return html.render(path, data);
}

/** A template as it stands. */
export function templateText(path: string): string {
  return readFileSync(join(templateRoot, path), 'utf8');
}

/** Names of the files in `templates/<folder>`, sorted. */
export function templatesIn(folder: string): string[] {
  return filesIn(join(templateRoot, folder));
}

/** @param root folder of templates; its `partials/*.hbs` are known to all of them by their basename */
export function createRenderer(root: string, escaping: 'none' | 'html'): Renderer {
  const handlebars = Handlebars.create();
  for (const [name, helper] of Object.entries(helpers))
    handlebars.registerHelper(name, (value: string) => helper(value));
  for (const file of filesIn(join(root, 'partials'))) {
    handlebars.registerPartial(file.replace(/\.hbs$/, ''), readFileSync(join(root, 'partials', file), 'utf8'));
  }
  const options = {
    strict: true,
    noEscape: escaping === 'none',
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(Object.keys(helpers).map((name) => [name, true])),
  };
  const compiled = new Map<string, Handlebars.TemplateDelegate>();
  const templateAt = (path: string): Handlebars.TemplateDelegate => {
    const template = compiled.get(path) ?? handlebars.compile(readFileSync(join(root, path), 'utf8'), options);
    compiled.set(path, template);
    return template;
  };
  return {
    render(path, data) {
      try {
        return templateAt(path)(strictView(data));
      } catch (error) {
        throw invariant(error instanceof Error ? error.message : String(error), `templates/${path}`);
      }
    },
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** The value as a template sees it: reading a member that is not there throws. */
function strictView<T extends object>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => (isObject(item) ? strictView(item) : item)) as unknown as T;
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || probed.has(key)) return Reflect.get(target, key, receiver);
      if (!Object.hasOwn(target, key)) throw new Error(`the template reads "${key}", which its data lacks`);
      const member: unknown = Reflect.get(target, key, receiver);
      return isObject(member) ? strictView(member) : member;
    },
  });
}

/** Members that Handlebars and the language look for on any object. */
const probed = new Set(['then', 'toString', 'valueOf', 'constructor', 'toHTML', 'toJSON', 'length', 'hasOwnProperty']);

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
