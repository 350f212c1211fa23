import { describe, expect, it } from 'vitest';
import { splitFile } from '../../src/emit/split.ts';

const rows = Array.from({ length: 40 }, (_, i) => `  ${i}, ${i}, ${i}, ${i},\n`).join('');
const text = `/* Net. Generated. */
#include "net.h"

/* { not code } */
#if NET_NEON
static int a(void)
{
  return '{' + sizeof "}";

}

static int b(void) { return 1; }

#endif

const int numbers[160] = {
${rows}};

int c(void)
{
  int x = 0;

  return x;
}
`;

const textOf = (file: { contents: string | Uint8Array } | undefined): string => String(file?.contents);

describe('splitFile', () => {
  const [main, ...parts] = splitFile({ path: 'src/net.c', contents: text }, 300);

  it('leaves a file in parts that it includes, which together are the text', () => {
    expect(parts.map(({ path }) => path)).toEqual(parts.map((_, i) => `src/net_0${i + 1}.inc`));
    const included = [...textOf(main).matchAll(/^#include "(net_\d\d\.inc)"$/gm)].map(([, name]) => `src/${name}`);
    expect(included).toEqual(parts.map(({ path }) => path));
    expect(parts.map(textOf).join('')).toBe(text);
  });

  it('keeps the size, but does not cut functions and conditions', () => {
    for (const part of parts.map(textOf)) {
      expect(part.length).toBeLessThanOrEqual(300);
      expect(part.match(/#if/g)?.length).toBe(part.match(/#endif/g)?.length);
    }
    expect(parts.map(textOf).some((part) => part.includes('int x = 0;\n\n  return x;\n}\n'))).toBe(true);
    expect(parts.length).toBeGreaterThan(3);
  });

  it.each([
    ['without a limit', 'src/net.c', undefined],
    ['where it is short enough', 'src/net.c', text.length],
    ['of another kind', 'README.md', 300],
  ])('leaves a file as it is %s', (_, path, most) => {
    const file = { path, contents: text };
    expect(splitFile(file, most)).toEqual([file]);
  });

  it('leaves what cannot be cut whole', () => {
    const contents = `int c(void)\n{\n${'  x();\n\n'.repeat(100)}}\n`;
    expect(splitFile({ path: 'a.c', contents }, 300)).toHaveLength(1);
  });
});
