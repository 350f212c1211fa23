import type { SourceFile } from './types.ts';

/**
 * A C file longer than `most` bytes as parts that the file, under its own name, includes: compiled as one, and read, sent
 * and reviewed in pieces. Cut between declarations, or between rows of numbers; a function is never cut, so that a part
 * may be longer. Other files, and all without a limit, stay as they are.
 */
export function splitFile(file: SourceFile, most: number | undefined): SourceFile[] {
  const { path, contents } = file;
  if (most === undefined || typeof contents !== 'string' || !path.endsWith('.c') || contents.length <= most)
    return [file];
  const parts = partsOf(contents, most);
  if (parts.length === 1) return [file];
  const stem = path.replace(/\.c$/, '');
  const pathOf = (index: number): string => `${stem}_${String(index + 1).padStart(2, '0')}.inc`;
  const includes = parts.map((_, i) => `#include "${pathOf(i).split('/').at(-1)}"\n`);
  const head = /^(\/\*[^\n]*\*\/\n)+/.exec(contents)?.[0] ?? '';
  return [
    { path, contents: `${head}${includes.join('')}` },
    ...parts.map((part, i) => ({ path: pathOf(i), contents: part })),
  ];
}

function partsOf(text: string, most: number): string[] {
  const parts = [''];
  for (const piece of pieces(text)) {
    const last = parts.length - 1;
    if (parts[last] !== '' && parts[last]!.length + piece.length > most) parts.push(piece);
    else parts[last] += piece;
  }
  return parts;
}

/** What must stay together: lines up to where no comment, no `#if` and no function is open. */
function pieces(text: string): string[] {
  const result: string[] = [];
  let piece = '';
  let [conditions, braces, inComment, inNumbers] = [0, 0, false, false];
  for (const line of text.split(/(?<=\n)/)) {
    piece += line;
    if (/^\s*#\s*if/.test(line)) conditions++;
    if (/^\s*#\s*endif/.test(line)) conditions--;
    const opened = line.lastIndexOf('/*') > line.lastIndexOf('*/');
    inComment = opened || (inComment && !line.includes('*/'));
    if (!inComment && !line.startsWith('#')) {
      const code = line.replaceAll(/"(\\.|[^"\\])*"|'(\\.|[^'\\])'|\/\*.*?\*\//g, '');
      if (braces === 0) inNumbers = /=\s*\{\s*$/.test(code);
      braces += code.split('{').length - code.split('}').length;
    }
    const between = braces === 0 && line.trim() === '';
    if (conditions === 0 && !inComment && (between || (inNumbers && braces > 0))) {
      result.push(piece);
      piece = '';
    }
  }
  return [...result, piece].filter((text) => text !== '');
}
