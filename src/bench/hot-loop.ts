/** An innermost loop of a compiled function, from its label to the branch back. */
export interface HotLoop {
  /** One instruction a line; labels are left out. */
  readonly instructions: readonly string[];
  /** Of these, the vector multiplications. */
  readonly multiplies: number;
}

interface Line {
  readonly label?: string;
  readonly instruction?: string;
}

/** Vector multiplications of products; the requantization's `sqrdmulh` is none. */
const multiply = /^(?:[su]ml[as]l2?|[su]mull2?|mla|mls|mul|[su]dot|usdot|[su]mmla)\s+v/;

/**
 * The loop of a function in which its multiplications are done: of the loops that hold no other, the one with the most of
 * them; of equals, the shortest. Undefined where no loop multiplies, e.g. where everything is unrolled.
 *
 * @param assembly of gcc or clang for AArch64
 * @param name of the function; what compilers append to it (`.constprop.0`) may follow
 */
export function hotLoopOf(assembly: string, name: string): HotLoop | undefined {
  const lines = functionLines(assembly, name);
  const loops = loopsOf(lines);
  const innermost = loops.filter(
    ([from, to]) => !loops.some(([a, b]) => (a !== from || b !== to) && a >= from && b <= to),
  );
  const candidates = innermost
    .map(([from, to]) => lines.slice(from, to + 1).flatMap(({ instruction }) => instruction ?? []))
    .map((instructions) => ({ instructions, multiplies: instructions.filter((text) => multiply.test(text)).length }))
    .filter(({ multiplies }) => multiplies > 0)
    .toSorted((a, b) => b.multiplies - a.multiplies || a.instructions.length - b.instructions.length);
  return candidates[0];
}

function functionLines(assembly: string, name: string): Line[] {
  const all = assembly.split('\n');
  const isStart = (line: string) => line.startsWith(name) && /^(?:\.[\w.]+)?:/.test(line.slice(name.length));
  const start = all.findIndex(isStart);
  if (start < 0) return [];
  const length = all.slice(start + 1).findIndex((line) => /^\s*\.(?:size|cfi_endproc)\b/.test(line));
  return all.slice(start + 1, length < 0 ? undefined : start + 1 + length).flatMap((text): Line[] => {
    const label = /^(\.?[\w$.]+):/.exec(text)?.[1];
    if (label !== undefined) return [{ label }];
    // Comments begin with `//`, `#` or `;`, directives with a dot.
    const instruction = /^\s+([a-z].*?)\s*(?:\/\/.*)?$/.exec(text)?.[1];
    return instruction === undefined ? [] : [{ instruction }];
  });
}

/** Ranges of lines from a label to a later branch to it. */
function loopsOf(lines: readonly Line[]): [number, number][] {
  const labels = new Map<string, number>();
  const loops: [number, number][] = [];
  lines.forEach(({ label, instruction = '' }, i) => {
    if (label !== undefined) labels.set(label, i);
    const target = /^(?:b|b\.\w+|b(?:eq|ne|cs|cc|mi|pl|hi|ls|ge|lt|gt|le|hs|lo)|cbn?z|tbn?z)\s+(?:.*,\s*)?(\S+)$/.exec(
      instruction,
    )?.[1];
    const from = target === undefined ? undefined : labels.get(target);
    if (from !== undefined) loops.push([from, i]);
  });
  return loops;
}
