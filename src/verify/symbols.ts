import { readFile } from 'node:fs/promises';
import { failed } from '../core/diagnostics.ts';
import { type ElfSymbol, readElfSymbols } from './elf.ts';

/**
 * What generated code may take from elsewhere: the functions that a compiler calls on its own account even in freestanding
 * code, and its run-time library on Armv7.
 */
const allowed = /^(memcpy|memset|memmove|memcmp|__aeabi_\w+|_GLOBAL_OFFSET_TABLE_)$/;

/**
 * What is wrong with the symbols of a bundle's object files, a sentence each: a global name without the model's prefix
 * (two models must link into one program), or something needed that generated code must not need, as the heap.
 */
export function symbolProblems(symbols: readonly ElfSymbol[], prefix: string): readonly string[] {
  const own = (name: string): boolean => name.startsWith(`${prefix}_`);
  return symbols
    .filter(({ global, name }) => global && !own(name))
    .filter(({ defined, name }) => defined || !allowed.test(name))
    .map(({ defined, name }) =>
      defined ? `the symbol "${name}" lacks the prefix "${prefix}_"` : `the function "${name}" is called`,
    );
}

/** Checks the object files of a bundle. Throws `failed` `bad-symbols`, which lists all that is wrong. */
export async function checkSymbols(objects: readonly string[], prefix: string): Promise<void> {
  const symbols = await Promise.all(objects.map(async (path) => readElfSymbols(await readFile(path), path)));
  const problems = [...new Set(symbolProblems(symbols.flat(), prefix))].sort();
  if (problems.length === 0) return;
  throw failed({
    code: 'bad-symbols',
    message: `the generated code for "${prefix}" does not keep to itself`,
    details: problems,
    hint: 'This is a bug in neonarrow; please report it together with the model.',
  });
}
