/** Text that finds its way into generated files: names and comments from the model, which may hold anything. */

const lineWidth = 120;

/** Printable ASCII on one line; the rest by code point, so that no bidirectional control can hide code from a reader. */
export function plainText(text: string): string {
  return text
    .replaceAll('…', '...')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .replaceAll(/[^\x20-\x7e]/gu, (char) => `<U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`);
}

/** As plainText, and such that it can't end a C comment, nor begin one, nor continue a line comment. */
export function commentText(text: string): string {
  return plainText(text)
    .replaceAll('*/', '* /')
    .replaceAll('/*', '/ *')
    .replaceAll('\\', '/')
    .replaceAll(/\?(?=\?)/g, '? ');
}

/** As plainText, without what ends a cell of a Markdown table or formats it. */
export function markdownText(text: string): string {
  return plainText(text).replaceAll(/[\\`*_[\]<>|]/g, (char) => `\\${char}`);
}

/** C without its comments. */
export function withoutComments(code: string): string {
  return code.replaceAll(/\/\*.*?\*\//gs, '');
}

/** A C string literal; what is not printable ASCII is escaped in octal, which ends after three digits; so are trigraphs. */
export function cString(text: string): string {
  const escaped = Array.from(new TextEncoder().encode(text), (byte) => {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte > 0x7e) return `\\${byte.toString(8).padStart(3, '0')}`;
    return '"\\?'.includes(char) ? `\\${char}` : char;
  });
  return `"${escaped.join('')}"`;
}

/** Parameters or arguments behind `head`, on one line where they fit, else broken with 4 more spaces. */
export function wrapList(head: string, items: readonly string[], tail: string): string {
  const lines = [''];
  items.forEach((item, i) => {
    const text = `${item}${i < items.length - 1 ? ', ' : tail}`;
    const taken = lines.length === 1 ? head.length : 4;
    if (taken + lines.at(-1)!.length + text.trimEnd().length > lineWidth) lines.push('');
    lines[lines.length - 1] += text;
  });
  return head + lines.map((line) => line.trimEnd()).join('\n    ');
}

/** The C comment at the start of a text becomes the end of the comment `head`, lines wrapped. */
export function joinComments(head: string, text: string): string {
  const match = /^\/\*(.*?)\*\/\n/s.exec(text);
  if (match === null) return head + text;
  const lines = match[1]!.split('\n').map((line) => line.replace(/^ ?\*? ?/, '').trimEnd());
  const paragraphs = lines.join('\n').trim().split('\n\n');
  const body = paragraphs.map(wrapParagraph).join('\n\n').split('\n');
  const ended = head.replace(/ \*\/\n$/, '');
  return `${ended} *\n${body.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n${text.slice(match[0].length)}`;
}

/** Left as it is unless a line is too long. */
function wrapParagraph(paragraph: string): string {
  const tooLong = paragraph.split('\n').some((line) => line.length > lineWidth - 3);
  // Each item of a numbered list keeps lines of its own, the later ones indented.
  const items = paragraph.split(/\n(?=\d+\. )/);
  return tooLong
    ? items.flatMap((item) => wrapLine(item.split(/\s+/), /^\d+\. /.test(item) ? 3 : 0)).join('\n')
    : paragraph;
}

/** @param indent of all lines but the first */
function wrapLine(words: readonly string[], indent: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const current = lines.at(-1);
    if (current === undefined) lines.push(word);
    else if (current.length + 1 + word.length > lineWidth - 3) lines.push(' '.repeat(indent) + word);
    else lines[lines.length - 1] = `${current} ${word}`;
  }
  return lines;
}

/**
 * Breaks lines of C that the length of names has made too long: after the last comma, else before the last operator, that
 * leaves what is before it short enough. Comments, directives and lines with strings stay as they are.
 */
export function wrapCode(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrapCodeLine(line))
    .join('\n');
}

/** @param continuation indentation of what follows a break: of all of it the same */
function wrapCodeLine(line: string, continuation = /^ */.exec(line)![0].length + 4): string[] {
  if (line.length <= lineWidth || /^\s*(#|\/\*|\*)|"|\/\//.test(line)) return [line];
  const margin = /^ */.exec(line)![0].length;
  const start = line.slice(0, lineWidth);
  const comma = start.lastIndexOf(', ');
  const operator = Math.max(...[' = ', ' + ', ' - ', ' ? ', ' : '].map((o) => start.lastIndexOf(o)));
  const at = comma > margin ? comma + 1 : operator;
  if (at <= margin) return [line];
  return [line.slice(0, at), ...wrapCodeLine(`${' '.repeat(continuation)}${line.slice(at).trimStart()}`, continuation)];
}
