import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commentText, cString, joinComments, markdownText, wrapCode, wrapList } from '../../src/emit/text.ts';

const anyText = fc.string({ unit: 'binary' });

describe('commentText', () => {
  it('ends no comment, begins none, continues no line and hides nothing', () => {
    expect(commentText('a */ b /* c \\ d ??/ e\nf')).toBe('a * / b / * c / d ? ?/ e f');
    expect(commentText('évil\u202e')).toBe('<U+00E9>vil ');
    expect(commentText('A35, …')).toBe('A35, ...');
  });

  it('is one line of ASCII, whatever a model holds', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(commentText(text)).toMatch(/^[\x20-\x7e]*$/);
        expect(commentText(text)).not.toMatch(/\*\/|\/\*|\\|\?\?/);
      }),
    );
  });

  it('stays so where a replacement makes a new pair', () => {
    expect(commentText('**//')).not.toContain('*/');
    expect(commentText('*/*')).not.toMatch(/\*\/|\/\*/);
    expect(commentText('???')).not.toContain('??');
  });
});

describe('cString', () => {
  it('escapes what C would read otherwise', () => {
    expect(cString('a"b\\c??/\n')).toBe('"a\\"b\\\\c\\?\\?/\\012"');
    expect(cString('é1')).toBe('"\\303\\2511"');
  });
});

it('markdownText keeps a cell a cell', () => {
  expect(markdownText('a|b_c\n<d>')).toBe('a\\|b\\_c \\<d\\>');
});

describe('wrapList', () => {
  it('breaks after commas where 120 columns are not enough', () => {
    expect(wrapList('f(', ['a', 'b'], ')')).toBe('f(a, b)');
    const long = wrapList('int name(', Array<string>(12).fill('const int8_t *input'), ')');
    for (const line of long.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    expect(long.replaceAll(/\s+/g, ' ')).toBe(`int name(${Array<string>(12).fill('const int8_t *input').join(', ')})`);
  });
});

describe('joinComments', () => {
  const head = '/*\n * Step 1\n */\n';

  it('puts the kernel’s comment under the layer’s', () => {
    expect(joinComments(head, '/* One line. */\nint f;\n')).toBe('/*\n * Step 1\n *\n * One line.\n */\nint f;\n');
    expect(joinComments(head, '/*\n * Two\n * lines.\n */\nint f;\n')).toBe(
      '/*\n * Step 1\n *\n * Two\n * lines.\n */\nint f;\n',
    );
  });

  it('wraps the items of a numbered list one by one', () => {
    const item = `${'word '.repeat(30).trim()}`;
    const lines = joinComments(head, `/*\n * Steps:\n * 1. ${item}\n * 2. short\n *    and on\n */\n`).split('\n');
    expect(lines.filter((line) => /^ \* \d\. /.test(line))).toHaveLength(2);
    expect(lines).toContain(' * Steps:');
    expect(lines).toContain(' * 2. short and on');
    expect(lines.filter((line) => line.startsWith(' *    word'))).toHaveLength(1);
  });

  it('leaves a text without comment as it is', () => {
    expect(joinComments(head, 'int f; /* no */\n')).toBe(`${head}int f; /* no */\n`);
  });

  it('wraps long lines', () => {
    const joined = joinComments(head, `/* ${'word '.repeat(60)}*/\n`);
    for (const line of joined.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    expect(joined.match(/word/g)).toHaveLength(60);
    const long = 'word '.repeat(30).trim();
    expect(joinComments(head, `/*\n * ${long}\n * the end\n *\n * kept\n * so\n */\n`)).toContain(
      'word the end\n *\n * kept\n * so\n */',
    );
  });
});

describe('wrapCode', () => {
  it('indents all that follows the first break alike', () => {
    const [, ...rest] = wrapCode(`  f(${Array<string>(30).fill('argument').join(', ')});`).split('\n');
    expect(rest.length).toBeGreaterThan(1);
    for (const line of rest) expect(line).toMatch(/^ {6}argument/);
  });

  const name = 'a_rather_long_name_of_a_model_and_its_layer';

  it('breaks calls after a comma and sums before an operator', () => {
    expect(wrapCode(`  x = ${name}(${name}, ${name}, 3);`)).toBe(`  x = ${name}(${name},\n      ${name}, 3);`);
    expect(wrapCode(`  x = ${name} + ${name} + ${name};`)).toBe(`  x = ${name} + ${name}\n      + ${name};`);
  });

  it('breaks as often as it must', () => {
    const lines = wrapCode(`  f(${Array<string>(9).fill(name).join(', ')});`).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(120);
    expect(lines.length).toBe(5);
  });

  it.each([
    `#define ${name.repeat(4)}, 1`,
    `/* ${name.repeat(4)}, 1 */`,
    ` * ${name.repeat(4)}, 1`,
    `f("${name.repeat(4)}, ");`,
  ])('leaves %s', (line) => {
    expect(wrapCode(line)).toBe(line);
  });
});
