import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { renderC, templatesIn } from './render.ts';
import { withoutComments } from './text.ts';

/** The C functions of `templates/helpers/` are emitted only where a layer calls them, so that no compiler finds one unused. */
type Body = 'neon' | 'portable';

interface Helper {
  readonly text: string;
  readonly calls: ReadonlyMap<Body, readonly string[]>;
}

/**
 * The helper functions that the C text calls, directly or through others, each after those that it calls. What only one
 * of the two bodies uses stands behind the same `#if` as these.
 *
 * @param model prefix of all symbols
 * @param fewRegisters for Armv7's 16 vector registers: what compilers may not reorder, lest sums do not fit them
 */
export function helperFunctions(model: string, text: string, fewRegisters = false): string {
  const all = loadHelpers(model, fewRegisters);
  const users = new Map<string, Set<Body>>();
  for (const body of ['neon', 'portable'] as const) {
    for (const name of closure(all, body, callsIn(model, all.keys(), bodyText(text, body)))) {
      users.set(name, (users.get(name) ?? new Set()).add(body));
    }
  }
  return layOut(model, all, ordered(all, [...users.keys()].sort()), users);
}

function loadHelpers(model: string, fewRegisters: boolean): ReadonlyMap<string, Helper> {
  const data = { model, MODEL: model.toUpperCase(), fewRegisters };
  const texts = new Map<string, string>();
  for (const file of templatesIn('helpers')) {
    texts.set(file.replace('.c.hbs', '').replaceAll('-', '_'), renderC(`helpers/${file}`, data).trimEnd());
  }
  const helpers = new Map<string, Helper>();
  for (const [name, text] of texts) {
    const others = [...texts.keys()].filter((other) => other !== name);
    const callsOf = (body: Body) => callsIn(model, others, bodyText(text, body));
    helpers.set(name, {
      text,
      calls: new Map([['neon', callsOf('neon')] as const, ['portable', callsOf('portable')]]),
    });
  }
  return helpers;
}

/** The helpers (functions and types) that the text mentions outside comments. */
function callsIn(model: string, names: Iterable<string>, text: string): string[] {
  const called = new Set(
    Array.from(withoutComments(text).matchAll(new RegExp(`\\b${model}_(\\w+)\\b`, 'g')), (m) => m[1]),
  );
  return [...names].filter((name) => called.has(name));
}

function closure(all: ReadonlyMap<string, Helper>, body: Body, start: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const called of callsOf(all, name, body)) visit(called);
  };
  start.forEach(visit);
  return reached;
}

function callsOf(all: ReadonlyMap<string, Helper>, name: string, body: Body): readonly string[] {
  return must(must(all.get(name), `helper ${name}`).calls.get(body), body);
}

/** Called functions before their callers, else in the order given. */
function ordered(all: ReadonlyMap<string, Helper>, names: readonly string[]): string[] {
  const result: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw invariant(`helpers call each other: ${[...path, name].join(' → ')}`);
    if (result.includes(name)) return;
    for (const body of ['neon', 'portable'] as const) {
      for (const called of callsOf(all, name, body)) if (names.includes(called)) visit(called, [...path, name]);
    }
    result.push(name);
  };
  for (const name of names) visit(name, []);
  return result;
}

function layOut(
  model: string,
  all: ReadonlyMap<string, Helper>,
  names: readonly string[],
  users: ReadonlyMap<string, ReadonlySet<Body>>,
): string {
  const conditionOf = (name: string): string => {
    const bodies = must(users.get(name), name);
    if (bodies.size === 2) return '';
    return bodies.has('neon') ? `#if ${model.toUpperCase()}_NEON` : `#if !${model.toUpperCase()}_NEON`;
  };
  const parts: string[] = [];
  names.forEach((name, i) => {
    const condition = conditionOf(name);
    const opens = condition !== '' && (i === 0 || conditionOf(names[i - 1]!) !== condition);
    const closes = condition !== '' && (i === names.length - 1 || conditionOf(names[i + 1]!) !== condition);
    const { text } = must(all.get(name), name);
    parts.push([...(opens ? [condition] : []), text, ...(closes ? ['#endif'] : [])].join('\n'));
  });
  return parts.map((part) => `${part}\n`).join('\n');
}

/** What the preprocessor leaves of a text for one body: `#if <MODEL>_NEON` is decided, other conditions stay. */
function bodyText(text: string, body: Body): string {
  const stack: (Body | 'any')[] = [];
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    const directive = /^\s*#\s*(if|ifdef|ifndef|else|elif|endif)\b(.*)/.exec(line);
    const [, word, condition = ''] = directive ?? [];
    if (word?.startsWith('if')) stack.push(word === 'if' ? decided(condition) : 'any');
    else if (word === 'else') stack.push(opposite(stack.pop() ?? 'any'));
    else if (word === 'endif') stack.pop();
    else if (stack.every((state) => state === 'any' || state === body)) kept.push(line);
  }
  return kept.join('\n');
}

function decided(condition: string): Body | 'any' {
  const match = /^\s*(!?)\s*\w+_NEON\s*$/.exec(condition);
  if (match === null) return 'any';
  return match[1] === '!' ? 'portable' : 'neon';
}

function opposite(state: Body | 'any'): Body | 'any' {
  return state === 'any' ? 'any' : state === 'neon' ? 'portable' : 'neon';
}
