import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, delimiter, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTool, type NeonarrowError } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { CompilerKind } from '../targets/target.ts';
import { execute } from './execute.ts';
import { type ToolId, type ToolSpec, toolTable } from './tool-table.ts';

/** The variables in which tools are looked for: `process.env`, or a test's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program that is installed. */
export interface Tool {
  readonly id: ToolId;
  /** The program's absolute path. */
  readonly command: string;
  /** Arguments that come before all others, e.g. `cc` of `zig cc`. */
  readonly args: readonly string[];
  /** E.g. `12.2.0`; `unknown` when its `--version` names none. */
  readonly version: string;
  /** What `--version` prints, its first line. */
  readonly banner: string;
}

/** What the table says about a tool. */
export function specOf(id: ToolId): ToolSpec {
  return must(
    toolTable.find((spec) => spec.id === id),
    `tool ${id}`,
  );
}

/** The tool, or a `missing-tool` error that says what it is for and how to get it. */
export async function findTool(id: ToolId, env: Environment = process.env): Promise<Tool> {
  const tool = await lookForTool(id, env);
  if (tool === undefined) throw missing(specOf(id), env);
  return tool;
}

/** The tool, or undefined when it is not installed. */
export async function lookForTool(id: ToolId, env: Environment = process.env): Promise<Tool | undefined> {
  const spec = specOf(id);
  for (const [name, ...args] of await candidates(spec, env)) {
    const command = name === undefined ? undefined : await programPath(name, env);
    if (command === undefined) continue;
    const banner = await firstVersionLine(command, args, env);
    return { id, command, args, version: versionIn(banner), banner };
  }
  return undefined;
}

/** They differ in flags, and a variable may have put one in another's place. */
export function compilerKindOf({ banner, command, args }: Tool): CompilerKind {
  if (args[0] === 'cc' && /zig/i.test(basename(command))) return 'zig';
  return /clang/i.test(banner) || /clang/i.test(command) ? 'clang' : 'gcc';
}

/** How a user gets a tool: one line. */
export function howToGet(spec: ToolSpec): string {
  if (spec.npmPackage !== undefined) {
    return `run "npm install ${spec.npmPackage}", or name another in ${spec.variable}`;
  }
  const setup = `sh ${toolchainPath('setup.sh')}${spec.optional ? ' --all' : ''}`;
  return `run "${setup}" or "apt-get install ${spec.debianPackages.join(' ')}", or name another in ${spec.variable}`;
}

/** A file of `toolchain/`, from the current folder where that is shorter. The folder ships with the npm package. */
export function toolchainPath(...parts: readonly string[]): string {
  const path = fileURLToPath(new URL(join('../../toolchain', ...parts), import.meta.url));
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

async function candidates(spec: ToolSpec, env: Environment): Promise<readonly (readonly string[])[]> {
  const named = env[spec.variable]?.trim();
  const { args = [], commands, npmPackage } = spec;
  if (named === undefined || named === '') {
    const installed = npmPackage === undefined ? [] : commands.map((command) => join('node_modules/.bin', command));
    return [...commands, ...installed].map((command) => [command, ...args]);
  }
  // A path may hold spaces; only what is no program as a whole is split into program and arguments.
  return (await programPath(named, env)) !== undefined ? [[named, ...args]] : [named.split(/\s+/)];
}

async function programPath(name: string, env: Environment): Promise<string | undefined> {
  const places = name.includes('/')
    ? [resolve(name)]
    : (env['PATH'] ?? '').split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, name)]));
  for (const place of places) if (await isProgram(place)) return place;
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function firstVersionLine(command: string, args: readonly string[], env: Environment): Promise<string> {
  const result = await execute({ command, args: [...args, '--version'], env, timeoutMs: 20_000 });
  const lines = new TextDecoder().decode(result.stdout).split('\n');
  // llvm-mca's first line is the project's address.
  return (lines.find((line) => /\d+\.\d+/.test(line)) ?? lines[0] ?? '').trim();
}

function versionIn(banner: string): string {
  // Distributions put their package's version in brackets, before or after the program's own.
  const bare = banner.replaceAll(/\([^)]*\)/g, '');
  return /\d+(\.\d+)+/.exec(bare)?.[0] ?? 'unknown';
}

function missing(spec: ToolSpec, env: Environment): NeonarrowError {
  const named = env[spec.variable]?.trim();
  return missingTool({
    code: 'missing-tool',
    message: named
      ? `${spec.variable} names "${named}", which is not a program`
      : `${must(spec.commands[0], 'command')} is not installed (not found on PATH)`,
    place: `${spec.id} (${spec.neededFor})`,
    hint: howToGet(spec),
  });
}
