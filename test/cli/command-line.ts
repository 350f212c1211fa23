import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { runCommandLine } from '../../src/cli/run.ts';

/** What a user sees of one command. */
export interface Seen {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, as `main.ts` does. Not two at a time: they share stdout. */
export async function neonarrow(...words: readonly string[]): Promise<Seen> {
  const texts = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      texts[stream] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await runCommandLine(words);
    return { ...texts, exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

/** The one object that `--json` puts on stdout: parsing fails where there is anything else. */
export function objectOf({ stdout }: Seen): Record<string, unknown> {
  expect(stdout).toMatch(/^\{\n(.*\n)+\}\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/**
 * Asserts that a command line is refused in one clear message (code, place, hint), the same with `--json` as an object on
 * stdout. Returns the message, with `folder` taken out.
 */
export async function refusal(exitCode: number, folder: string, ...words: readonly string[]): Promise<string> {
  const seen = await neonarrow(...words, '--json', '--quiet');
  const message = seen.stderr.replaceAll(`${folder}/`, '').trimEnd();
  expect(seen.exitCode, message).toBe(exitCode);
  expect(message).toMatch(/^error\[[a-z-]+\]: /);
  expect(message, 'no stack trace').not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  const { error } = objectOf(seen) as { error: Record<string, string> };
  expect(seen.stderr).toContain(`error[${error['code']}]: ${error['message']}`);
  expect(error['hint']).toMatch(/\S/);
  return message;
}

/** All paths below a folder. */
export async function pathsIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

/** Asserts that `work` leaves a folder as it was. */
export async function leavesUntouched<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = await pathsIn(folder);
  const result = await work();
  expect(await pathsIn(folder)).toEqual(before);
  return result;
}

/** A folder of a test file's own, there while its tests run. Hooks that write into it come after this call. */
export function ownFolder(): string {
  const folder = join(tmpdir(), `neonarrow-cli-${randomUUID()}`);
  beforeAll(async () => {
    await mkdir(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
