import { existsSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { execute } from './execute.ts';
import { canCountInstructions, pluginHint } from './plugin.ts';
import { type ToolId, toolTable } from './tool-table.ts';
import { type Environment, howToGet, lookForTool, type Tool, toolchainPath } from './tools.ts';

/** What `neonarrow doctor` says about one tool. */
export interface Finding {
  readonly tool: string;
  readonly found: boolean;
  /** What is there, e.g. `12.2.0`; absent when not found. */
  readonly version?: string;
  readonly path?: string;
  readonly neededFor: string;
  readonly howToGet: string;
  /** Its absence is no failure: only some commands need it. */
  readonly optional: boolean;
}

/** Looks at every tool that neonarrow uses; never throws for one that is missing. */
export async function examineTools(env: Environment = process.env): Promise<readonly Finding[]> {
  const tools = new Map<ToolId, Tool | undefined>();
  for (const { id } of toolTable) tools.set(id, await lookForTool(id, env));
  return [
    nodeFinding(),
    ...toolTable.map((spec) => {
      const tool = tools.get(spec.id);
      return {
        tool: basename(tool?.command ?? spec.commands[0] ?? spec.id),
        found: tool !== undefined,
        ...(tool === undefined ? {} : { version: tool.version, path: tool.command }),
        neededFor: spec.neededFor,
        howToGet: howToGet(spec),
        optional: spec.optional === true,
      };
    }),
    await libraryFinding('AArch64 C library (libc.a)', 'libc.a', tools.get('cross-gcc'), 'libc6-dev-arm64-cross', env),
    await armv7Library(tools.get('cross-gcc-armv7'), env),
    await libraryFinding('AddressSanitizer (libasan)', 'libasan.so', tools.get('host-cc'), 'gcc', env),
    await pluginFinding(env),
  ];
}

/** Whether everything is there that `build` and `verify` need. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every((finding) => finding.found || finding.optional);
}

function nodeFinding(): Finding {
  return {
    tool: 'node',
    found: Number(process.versions.node.split('.')[0]) >= 20,
    version: process.versions.node,
    neededFor: 'everything: runs neonarrow itself (20 or newer)',
    howToGet: 'https://nodejs.org',
    optional: false,
  };
}

/** A compiler without this library is found, but what it compiles does not link. */
async function libraryFinding(
  name: string,
  file: string,
  compiler: Tool | undefined,
  debianPackage: string,
  env: Environment,
): Promise<Finding> {
  return {
    tool: name,
    found: compiler !== undefined && (await hasLibrary(compiler, file, env)),
    neededFor: 'build, verify: linked into every test program',
    howToGet: `run "sh ${toolchainPath('setup.sh')}" or "apt-get install ${debianPackage}"`,
    optional: false,
  };
}

async function armv7Library(compiler: Tool | undefined, env: Environment): Promise<Finding> {
  const finding = await libraryFinding('Armv7 C library (libc.a)', 'libc.a', compiler, 'libc6-dev-armhf-cross', env);
  return { ...finding, neededFor: 'build, verify with --target armv7-neon', optional: true };
}

async function hasLibrary(compiler: Tool, file: string, env: Environment): Promise<boolean> {
  const args = [...compiler.args, `-print-file-name=${file}`];
  const outcome = await execute({ command: compiler.command, args, env, timeoutMs: 20_000 });
  const path = new TextDecoder().decode(outcome.stdout).trim();
  // clang keeps its sanitizers elsewhere; only a compilation could tell.
  if (/clang/i.test(compiler.banner)) return true;
  return isAbsolute(path) && existsSync(path);
}

async function pluginFinding(env: Environment): Promise<Finding> {
  return {
    tool: 'QEMU instruction counter',
    found: await canCountInstructions(env),
    neededFor: 'bench: counts executed instructions',
    howToGet: pluginHint,
    optional: true,
  };
}
