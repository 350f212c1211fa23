import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A TCG plugin of QEMU, built by `toolchain/setup.sh` from `toolchain/qemu-plugin/`. */
export interface PluginUse {
  /** The shared library. */
  readonly library: string;
  /** Passed as `name=value`. */
  readonly args?: Readonly<Record<string, string | number>>;
}

/** Where `toolchain/setup.sh` puts the instruction counter. */
export function pluginLibrary(): string {
  return fileURLToPath(new URL('../../.neonarrow/qemu-plugin/count.so', import.meta.url));
}

/** QEMU's arguments that load the plugin and write what it reports to `log`. */
export function pluginArguments({ library, args = {} }: PluginUse, log: string): readonly string[] {
  const all = [library, ...Object.entries(args).map(([name, value]) => `${name}=${value}`)];
  return ['-d', 'plugin', '-D', log, '-plugin', all.join(',')];
}

/** The plugin's lines `name N`, e.g. `instructions 1234`. Other lines are left out. */
export async function parsePluginCounts(log: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const match = /^(\S+)\s+(\d+)$/.exec(line.trim());
    if (match?.[1] !== undefined) counts.set(match[1], Number(match[2]));
  }
  return counts;
}
