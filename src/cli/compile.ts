import type { Command } from 'commander';
import { requireBundleFolder, writeBundle } from '../emit/write.ts';
import { type Compiled, compileBundle, samplesOf } from '../stages/compile-bundle.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { defaultFolder, kernelsByLayer, targetOf, withTargetOption } from './bundle-options.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { type LayoutFlags, layoutEntries, layoutOf, withLayoutOptions } from './layout-options.ts';
import { type DataFlags, type ModelFlags, openModel, withDataOptions, withModelOptions } from './options.ts';
import { grouped } from './output.ts';

type Flags = GlobalOptions & ModelFlags & DataFlags & LayoutFlags & { out?: string; target: string };

/** Samples of `--calibrate`, or random ones, that become golden vectors. */
const goldenSamples = 4;

export function addCompile(program: Command): void {
  const command = program
    .command('compile')
    .argument('<quantized>', 'quantized ONNX network, as "neonarrow quantize" writes it')
    .description('quantized network → C bundle')
    .option('--out <dir>', "the bundle's folder (default: generated/<model>)")
    .option('--name <name>', 'prefix of all C names (default: from the model)');
  withLayoutOptions(withTargetOption(command));
  withDataOptions(command, { calibrate: true, evaluate: false });
  withGlobalOptions(withModelOptions(command));
  command.action((path: string, flags: Flags) => perform(flags, () => run(path, flags)));
}

async function run(path: string, flags: Flags): Promise<Outcome> {
  const target = targetOf(flags);
  const { model, recipe } = await openModel(path, flags);
  const { graph, sha256 } = requireQuantized(model, true);
  const { seed } = flags;
  const layout = layoutOf(flags);
  const out = flags.out ?? defaultFolder(model);
  await requireBundleFolder(out);
  const data = await readData(graph, flags.calibrate ?? recipe.calibrate ?? `random:${goldenSamples}`, recipe, {
    seed,
  });
  const samples = samplesOf(graph, data, goldenSamples);
  const compiled = compileBundle({
    graph,
    target,
    recipe,
    samples,
    modelHash: sha256,
    name: flags.name,
    layout,
    options: { seed, ...layoutEntries(layout) },
  });
  await writeBundle(out, compiled.bundle.files);
  const { notes } = model;
  const text = () => [describe(compiled, out), ...notes].join('\n');
  return { json: { out, ...jsonOf(compiled), notes }, text, ok: true };
}

function jsonOf(compiled: Compiled): object {
  const { bundle } = compiled;
  const layers = [...kernelsByLayer(compiled)].map(([name, kernel]) => ({ name, kernel }));
  const files = bundle.files.map((file) => file.path);
  return { files, arenaBytes: bundle.arenaBytes, weightBytes: bundle.manifest.weightBytes, layers };
}

function describe({ bundle }: Compiled, out: string): string {
  return [
    ...bundle.files.map((file) => `  ${out}/${file.path}`),
    `${grouped(bundle.manifest.weightBytes)} bytes of constants, ${grouped(bundle.arenaBytes)} bytes of arena`,
  ].join('\n');
}
