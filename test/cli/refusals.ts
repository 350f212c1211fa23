import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { leavesUntouched, ownFolder, pathsIn, refusal } from './command-line.ts';
import { ownTiny, type TinyFiles } from './tiny.ts';

/** Bad input ends in one clear message and leaves nothing behind: issue 2's list, as a user meets it. */
export interface Refusals {
  /** A folder with the tiny network, its samples, and an `empty` folder. */
  readonly folder: string;
  readonly tiny: TinyFiles;
  /** Where a bundle would go; nothing must appear there. */
  readonly out: string;
  /** The message of a command that must end with that exit code and change nothing in the folder. */
  refuses(exitCode: number, ...words: readonly string[]): Promise<string>;
  /** The message of a `build` that must fail for its input. */
  buildOf(model: string, data?: string): Promise<string>;
  /** Asserts that no bundle, nor half of one, is in the folder. */
  nothingIsLeft(): Promise<void>;
}

/** For the tests of one file, the last of which is `nothingIsLeft`. */
export function ownRefusals(): Refusals {
  const folder = ownFolder();
  const tiny = ownTiny(folder);
  const out = join(folder, 'out', 'bundle');
  beforeAll(async () => {
    await mkdir(join(folder, 'empty'));
  });
  const nothingIsLeft = async (): Promise<void> => {
    expect((await pathsIn(folder)).filter((path) => /^out|\.new-|\.old-/.test(path))).toEqual([]);
  };
  const refuses = (exitCode: number, ...words: readonly string[]): Promise<string> =>
    leavesUntouched(folder, () => refusal(exitCode, folder, ...words));
  const buildOf = (model: string, data = tiny.pixels): Promise<string> =>
    refuses(2, 'build', model, '--calibrate', data, '--out', out);
  return { folder, tiny, out, refuses, buildOf, nothingIsLeft };
}
