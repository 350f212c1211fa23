import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';
import { invariant } from '../core/diagnostics.ts';
import { commentText, markdownText } from './text.ts';

/**
 * Templates lay out, TypeScript decides: the only module that knows Handlebars. Templates see plain data through a proxy
 * that throws on a missing member, since Handlebars' strict mode lets `{{#if missing}}` and `{{#each missing}}` pass.
 */
type Environment = typeof Handlebars;

/** Formatting only: nothing here computes what the program does. */
const helpers: Readonly<Record<string, (text: string) => string>> = {
  /** `{{comment text}}`: text that cannot end the C comment around it. */
  comment: commentText,
  /** `{{markdown text}}`: text that formats nothing. */
  markdown: markdownText,
};

const templateRoot = fileURLToPath(new URL('../../templates', import.meta.url));

const c = createEnvironment();
const html = createEnvironment();
const compiled = new Map<string, Handlebars.TemplateDelegate>();

/** Renders `templates/<path>` with nothing escaped. Throws `invariant` where template and data do not fit together. */
export function renderC(path: string, data: object): string {
  return render(c, path, data, true);
}

/** Renders `templates/<path>` as HTML: values are escaped. */
export function renderHtml(path: string, data: object): string {
  return render(html, path, data, false);
}

/** True where `templates/<path>` is there. */
export function hasTemplate(path: string): boolean {
  return existsSync(join(templateRoot, path));
}

/** Names of the files in `templates/<folder>`, sorted. */
export function templatesIn(folder: string): string[] {
  return readdirSync(join(templateRoot, folder)).sort();
}

function createEnvironment(): Environment {
  const environment = Handlebars.create();
  for (const [name, helper] of Object.entries(helpers)) {
    environment.registerHelper(name, (text: string) => helper(text));
  }
  for (const file of templatesIn('partials')) {
    const source = readFileSync(join(templateRoot, 'partials', file), 'utf8');
    environment.registerPartial(file.replace(/\.hbs$/, ''), source);
  }
  return environment;
}

function render(environment: Environment, path: string, data: object, noEscape: boolean): string {
  try {
    return compile(environment, path, noEscape)(strictView(data));
  } catch (error) {
    throw invariant(`${error instanceof Error ? error.message : String(error)}`, `templates/${path}`);
  }
}

function compile(environment: Environment, path: string, noEscape: boolean): Handlebars.TemplateDelegate {
  const key = `${noEscape ? 'c' : 'html'}:${path}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const knownHelpers = Object.fromEntries(Object.keys(helpers).map((name) => [name, true]));
  const source = readFileSync(join(templateRoot, path), 'utf8');
  const template = environment.compile(source, { strict: true, noEscape, knownHelpersOnly: true, knownHelpers });
  compiled.set(key, template);
  return template;
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
