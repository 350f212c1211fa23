import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Compiler, findCompiler } from '../../src/build/compiler.ts';
import type { Environment } from '../../src/build/tools.ts';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';

/** A PATH with nothing on it but these programs, each a shell script. The system's own come last, without compilers. */
export async function fakePath(dir: string, programs: Readonly<Record<string, string>>): Promise<Environment> {
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, body] of Object.entries(programs)) await fakeProgram(join(bin, name), body);
  return { PATH: bin };
}

export async function fakeProgram(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A cross gcc which answers `--version` and the flag probe, and does `body` for everything else. */
export function fakeGcc(body: string): string {
  return `case "$*" in
*--version*) echo "aarch64-linux-gnu-gcc (Fake 9.9-1) 12.2.0"; exit 0 ;;
*-fsyntax-only*) exit 0 ;;
esac
${body}`;
}

export async function fakeCompiler(dir: string, body: string): Promise<Compiler> {
  return findCompiler('gcc', armv8a, await fakePath(dir, { 'aarch64-linux-gnu-gcc': fakeGcc(body) }));
}

/** The error with which `work` ends; a test that expects one fails when there is none. */
export async function errorOf(work: Promise<unknown>): Promise<NeonarrowError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof NeonarrowError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
