import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { modelPrefix } from '../emit/names.ts';
import type { Compiled } from '../stages/compile-bundle.ts';
import type { Model } from '../stages/read-model.ts';
import { findTarget } from '../targets/find.ts';
import { targets } from '../targets/index.ts';
import type { Target } from '../targets/target.ts';

export function withTargetOption(command: Command): Command {
  const names = [...targets.keys()];
  return command.option('--target <name>', `processor: ${names.join(', ')}`, names[0]);
}

/** @throws reject `unknown-target` */
export function targetOf(flags: { readonly target: string }): Target {
  return findTarget(flags.target);
}

export function defaultFolder(model: Model): string {
  return join('generated', modelPrefix(basename(model.graph.name)));
}

/** The kernel of each layer, by its ONNX name. */
export function kernelsByLayer({ plan }: Pick<Compiled, 'plan'>): ReadonlyMap<string, string> {
  return new Map(plan.steps.flatMap((s) => (s.kind === 'layer' ? [[s.node.origin.name, s.kernel.name]] : [])));
}
