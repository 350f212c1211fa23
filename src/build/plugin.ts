import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { failed } from '../core/diagnostics.ts';
import { execute } from './execute.ts';
import { type Environment, lookForTool, toolchainPath } from './tools.ts';

/** How the instruction counter (`toolchain/qemu-plugin/count.c`, built by `toolchain/setup.sh`) is used in a run. */
export interface PluginUse {
  /** The shared library; `pluginLibrary()` unless told. */
  readonly library?: string;
  /** The plugin's options, e.g. `{ symbols: 'on', start: '0x400000' }`; `out` is set for it. */
  readonly args?: Readonly<Record<string, string | number>>;
}

/** What the plugin counted in a run. */
export interface PluginCounts {
  /** All executed instructions. */
  readonly instructions: number;
  /** By class, with `mix: 'on'`: `multiply`, `flush`, `load`, `store`, `other`. */
  readonly classes: ReadonlyMap<string, number>;
  /** By function, with `symbols: 'on'`. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** What to do when instructions cannot be counted. */
export const pluginHint =
  `run "sh ${toolchainPath('setup.sh')}" to build the plugin; QEMU must have plugins: ` +
  'Debian 12’s qemu-user does, Debian 13’s does not';

/** Where `toolchain/setup.sh` puts the instruction counter. */
export function pluginLibrary(): string {
  return fileURLToPath(new URL('../../.neonarrow/qemu-plugin/count.so', import.meta.url));
}

/** Whether instructions can be counted here: Debian 13's qemu-user, for one, is built without plugins. */
export async function canCountInstructions(env: Environment = process.env): Promise<boolean> {
  const qemu = await lookForTool('qemu-aarch64', env);
  if (qemu === undefined || !existsSync(pluginLibrary())) return false;
  const help = await execute({ command: qemu.command, args: [...qemu.args, '-help'], env, timeoutMs: 20_000 });
  return /^-plugin\b/m.test(new TextDecoder().decode(help.stdout));
}

/** QEMU's arguments that load the plugin and have it write its counts to the file `out`. */
export function pluginArguments({ library = pluginLibrary(), args = {} }: PluginUse, out: string): readonly string[] {
  const options = Object.entries({ ...args, out }).map(([name, value]) => `${name}=${value}`);
  // QEMU separates options by commas; a doubled one stands for itself.
  return ['-plugin', [`file=${library}`, ...options].map((option) => option.replaceAll(',', ',,')).join(',')];
}

/** Reads the counts of a run: lines `name N` and `symbol NAME N`. Throws `plugin-failed` when there are none. */
export async function readPluginCounts(file: string, stderr: readonly string[]): Promise<PluginCounts> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const classes = new Map<string, number>();
  const symbols = new Map<string, number>();
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [name, count] = words.slice(-2);
    if (name === undefined || count === undefined) continue;
    (words[0] === 'symbol' && words.length === 3 ? symbols : classes).set(name, Number(count));
  }
  const instructions = classes.get('instructions');
  classes.delete('instructions');
  if (instructions !== undefined) return { instructions, classes, symbols };
  throw failed({
    code: 'plugin-failed',
    message: 'the QEMU plugin counted no instructions',
    place: pluginLibrary(),
    details: stderr,
    hint: pluginHint,
  });
}
