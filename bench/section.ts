/** A part of a page that a script writes, between its markers. */
export interface Section {
  readonly name: string;
  /** The script, as its markers name it. */
  readonly script: string;
}

/** The page with new text between the markers of a section. */
export function replaceSection(page: string, { name, script }: Section, text: string): string {
  const [begin, end] = [`<!-- ${name}: written by ${script} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no section "${name}".`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
