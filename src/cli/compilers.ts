import type { Command } from 'commander';
import { defaultCompilers } from '../build/toolchains.ts';
import type { CompilerKind } from '../targets/target.ts';
import { listOf, listOption } from './words.ts';

const compilers: readonly CompilerKind[] = ['gcc', 'clang', 'zig'];

/** `--compilers`, of the commands that compile bundles. */
export function withCompilers(command: Command): Command {
  const parse = listOf(compilers, '--compilers');
  return command.addOption(
    listOption('--compilers <list>', `of ${compilers.join(', ')}`, parse, defaultCompilers.join(',')),
  );
}
