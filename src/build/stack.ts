import { readFile } from 'node:fs/promises';

/**
 * The stack that a program's functions take, from what gcc and clang write with `-fstack-usage`: the deepest chain of calls,
 * each function with its frame. What compilers inline is in the frame of its caller. The sources are generated: calls
 * are by name, without recursion or pointers to functions. Without the frames of `memcpy` and `memset`.
 *
 * @param usage contents of `.su` files
 * @param sources texts of the C files
 * @returns bytes
 */
export function stackDepth(usage: readonly string[], sources: readonly string[]): number {
  const frames = framesOf(usage);
  const text = sources.join('\n').replaceAll(/\/\*.*?\*\//gs, '');
  const depths = new Map<string, number>();
  const depthOf = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    depths.set(name, 0);
    const depth = frames.get(name)! + Math.max(0, ...calledBy(name, text, frames).map(depthOf));
    depths.set(name, depth);
    return depth;
  };
  return Math.max(0, ...[...frames.keys()].map(depthOf));
}

/** The same of object files that were compiled with `-fstack-usage`. */
export async function stackOfObjects(objects: readonly string[], sources: readonly string[]): Promise<number> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  // Assembly has none.
  const usage = objects.map((path) => read(path.replace(/\.o$/, '.su')).catch(() => ''));
  return stackDepth(await Promise.all(usage), await Promise.all(sources.map(read)));
}

/** Bytes by function; parts that a compiler has split off (`f.part.0`) count with their function. */
function framesOf(usage: readonly string[]): ReadonlyMap<string, number> {
  const frames = new Map<string, number>();
  for (const line of usage.join('\n').split('\n')) {
    const [, name, bytes] = /:(\w+)[^\t:]*\t(\d+)\t/.exec(line) ?? [];
    if (name !== undefined) frames.set(name, (frames.get(name) ?? 0) + Number(bytes));
  }
  return frames;
}

function calledBy(name: string, text: string, frames: ReadonlyMap<string, number>): string[] {
  const body = new RegExp(`\\b${name}\\([^;{}]*\\)\\s*\\n\\{\\n(.*?)\\n\\}`, 's').exec(text)?.[1] ?? '';
  const words = new Set(Array.from(body.matchAll(/\b(\w+)\(/g), ([, word]) => word!));
  return [...frames.keys()].filter((other) => other !== name && words.has(other));
}
