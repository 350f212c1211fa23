import type { Command } from 'commander';
import { grouped } from '../core/format.ts';
import { type BuildResult, build } from '../pipeline.ts';
import { requireQuantized } from '../stages/read-model.ts';
import type { Target } from '../targets/target.ts';
import { defaultFolder, layersInC, targetOf, withTargetOption } from './bundle-options.ts';
import { type Outcome, perform } from './command.ts';
import { type LayoutFlags, layoutEntries, layoutOf, withLayoutOptions } from './layout-options.ts';
import { openModel } from './model-options.ts';
import { manifestOptions, quantizerOptions } from './quantizer-options.ts';
import { type QuantizingFlags, withQuantizingOptions } from './quantizing-options.ts';
import { searchEntries, searchJson, searchOf, searchText, withReasons, writeFront } from './search-options.ts';
import { accuracyText, layerTable, verificationText } from './tables.ts';

type Flags = QuantizingFlags & LayoutFlags & { out?: string; target: string };

export function addBuild(program: Command): void {
  const command = program
    .command('build')
    .argument('<model>', 'float ONNX network')
    .description('everything: quantize the network, generate C, cross-compile it, verify it under QEMU')
    .option('--out <dir>', "the bundle's folder (default: generated/<model>)")
    .option('--name <name>', 'prefix of all C names (default: from the model)');
  withLayoutOptions(withTargetOption(command));
  withQuantizingOptions(command);
  command.action((path: string, flags: Flags) =>
    perform(flags, (progress) => run(path, flags, targetOf(flags), progress)),
  );
}

async function run(
  path: string,
  flags: Flags,
  target: Target,
  progress: Parameters<typeof build>[1],
): Promise<Outcome> {
  const { model, recipe } = await openModel(path, flags);
  requireQuantized(model, false);
  const layout = layoutOf(flags);
  const out = flags.out ?? defaultFolder(model);
  const result = await build(
    {
      model,
      recipe,
      target,
      out,
      quantizer: quantizerOptions(flags, flags.samples),
      search: await searchOf(flags),
      calibrate: flags.calibrate ?? recipe.calibrate,
      evaluate: flags.evaluate ?? recipe.evaluate,
      samples: flags.samples,
      seed: flags.seed,
      name: flags.name,
      layout,
      options: { ...manifestOptions(flags), ...searchEntries(flags), ...layoutEntries(layout) },
    },
    progress,
  );
  if (result.search) await writeFront(flags.front, result.search);
  const { notes } = model;
  const text = () => [describe(result, out), ...notes].join('\n');
  return { json: { ...jsonOf(result, out), notes }, text, ok: result.verification.verified };
}

function jsonOf(result: BuildResult, out: string): object {
  const { verification, accuracy, bundle, layers } = result;
  const inC = layersInC(result);
  return {
    verified: verification.verified,
    mismatches: verification.mismatches,
    vectors: verification.vectors,
    ...(verification.firstMismatch && { firstMismatch: verification.firstMismatch }),
    ...(accuracy && { floatTop1: accuracy.float.top1, top1: accuracy.quantized.top1, samples: accuracy.float.samples }),
    arenaBytes: bundle.arenaBytes,
    weightBytes: bundle.manifest.weightBytes,
    stackBytes: bundle.manifest.stackBytes,
    stack: verification.stack,
    out,
    layers: withReasons(layers, result.search).map((layer) => ({ ...layer, ...inC.get(layer.name) })),
    ...(result.search && { search: searchJson(result.search) }),
    runs: verification.runs,
  };
}

function describe(result: BuildResult, out: string): string {
  const { bundle, layers, verification, accuracy } = result;
  return [
    ...(result.search ? [searchText(result.search), ''] : []),
    layerTable(layers, layersInC(result)),
    '',
    `${out}: ${grouped(bundle.manifest.weightBytes)} bytes of constants, ${grouped(bundle.arenaBytes)} bytes of arena`,
    ...(accuracy ? [accuracyText(accuracy)] : []),
    verificationText(verification),
  ].join('\n');
}
