import type { Command } from 'commander';
import { defaultCompilers } from '../build/toolchains.ts';
import { reject } from '../core/diagnostics.ts';
import type { CompilerKind } from '../targets/target.ts';

const compilers: readonly CompilerKind[] = ['gcc', 'clang', 'zig'];

/** `--compilers`, of the commands that compile bundles. */
export function withCompilers(command: Command): Command {
  const parse = listOf(compilers, '--compilers');
  return command.option('--compilers <list>', `of ${compilers.join(', ')}`, parse, [...defaultCompilers]);
}

/** Some of the words that are known, with or without their dash. Throws reject `bad-flag`. */
export function listOf<T extends string>(known: readonly T[], flag: string): (text: string) => T[] {
  return (text) =>
    text.split(',').map((word) => {
      const found = known.find((one) => one === word || one === `-${word}`);
      if (found !== undefined) return found;
      const message = `"${word}" is none of them`;
      throw reject({ code: 'bad-flag', message, place: flag, hint: `Use some of ${known.join(',')}.` });
    });
}
