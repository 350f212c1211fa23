import { basename, join } from 'node:path';
import process from 'node:process';
import Table from 'cli-table3';
import { type Command, CommanderError } from 'commander';
import type { Manifest } from '../emit/manifest.ts';
import { modelPrefix } from '../emit/names.ts';
import type { Compiled } from '../stages/compile-bundle.ts';
import type { Model } from '../stages/read-model.ts';
import { findTarget } from '../targets/find.ts';
import { targets } from '../targets/index.ts';
import type { Target } from '../targets/target.ts';
import { plainTable, tableText } from './output.ts';

export function withTargetOption(command: Command): Command {
  const names = [...targets.keys()];
  return command.option('--target <name>', `processor: ${names.join(', ')}; "help" explains them`, explained, names[0]);
}

/** `--target help` prints the targets and ends, as `--help` does. */
function explained(name: string): string {
  if (name !== 'help') return name;
  const table = new Table({ ...plainTable, head: ['target', 'code for', 'verified on'] });
  for (const { name: own, description, cpus } of targets.values()) {
    table.push([own, description, cpus.length === 0 ? 'this machine' : `QEMU's ${cpus.join(', ')}`]);
  }
  process.stdout.write(`${tableText(table)}\n`);
  throw new CommanderError(0, 'commander.helpDisplayed', 'the targets');
}

/** @throws reject `unknown-target` */
export function targetOf(flags: { readonly target: string }): Target {
  return findTarget(flags.target);
}

export function defaultFolder(model: Model): string {
  return join('generated', modelPrefix(basename(model.graph.name)));
}

/** How the C computes a layer. */
export type LayerInC = Pick<Manifest['layers'][number], 'kernel' | 'sums'>;

/** Each layer in the bundle, by its ONNX name; of several that one node became, that with sums, else the first. */
export function layersInC({ bundle }: Pick<Compiled, 'bundle'>): ReadonlyMap<string, LayerInC> {
  const layers = new Map<string, LayerInC>();
  for (const { name, kernel, sums } of bundle.manifest.layers) {
    if (sums !== undefined || !layers.has(name)) layers.set(name, { kernel, ...(sums && { sums }) });
  }
  return layers;
}
