import type { Command } from 'commander';
import { requireBareMetal } from '../build/toolchains.ts';
import { reject } from '../core/diagnostics.ts';
import { grouped } from '../core/format.ts';
import type { Progress } from '../core/progress.ts';
import { requireBundleFolder, writeBundle } from '../emit/write.ts';
import { agreementWith } from '../interpret/agreement.ts';
import { isCalibrated } from '../quantize/calibrated/ranges.ts';
import { type LayerReport, layerReports } from '../quantize/report.ts';
import { type Compiled, compileBundle, samplesOf } from '../stages/compile-bundle.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { defaultFolder, layersInC, targetOf, withTargetOption } from './bundle-options.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { type DataFlags, withDataOptions } from './data-options.ts';
import { type LayoutFlags, layoutEntries, layoutOf, withLayoutOptions } from './layout-options.ts';
import { type ModelFlags, openModel, withModelOptions } from './model-options.ts';
import { agreementText, layerTable, scalarBitsOf, scalarText } from './tables.ts';

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
  command.action((path: string, flags: Flags) => perform(flags, (progress) => run(path, flags, progress)));
}

async function run(path: string, flags: Flags, progress: Progress): Promise<Outcome> {
  const target = targetOf(flags);
  const { model, recipe } = await openModel(path, flags);
  const { graph, sha256 } = requireQuantized(model, true);
  const { seed } = flags;
  const layout = layoutOf(flags);
  if (layout.runtime === 'baremetal') requireBareMetal(target);
  const out = flags.out ?? defaultFolder(model);
  await requireBundleFolder(out);
  const named = flags.calibrate ?? recipe.calibrate;
  if (named === undefined && isCalibrated(graph)) throw needsData(path);
  const data = await readData(graph, named ?? `random:${goldenSamples}`, recipe, {
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
  const agreement = await agreementWith(model.original, graph, data, progress);
  await writeBundle(out, compiled.bundle.files);
  const { notes } = model;
  const reports = layerReports(graph);
  const text = () => [describe(compiled, reports, out), agreementText(agreement), ...notes].join('\n');
  return { json: { out, ...jsonOf(compiled, reports), agreement, notes }, text, ok: true };
}

function jsonOf(compiled: Compiled, reports: readonly LayerReport[]): object {
  const { bundle } = compiled;
  const layers = [...layersInC(compiled)].map(([name, inC]) => {
    const report = reports.find((layer) => layer.name === name);
    return { ...report, name, ...inC };
  });
  const files = bundle.files.map((file) => file.path);
  const { arenaBytes, manifest } = bundle;
  return { files, arenaBytes, weightBytes: manifest.weightBytes, layers, scalarBits: scalarBitsOf(reports) };
}

function describe(compiled: Compiled, reports: readonly LayerReport[], out: string): string {
  const { bundle } = compiled;
  return [
    layerTable(reports, layersInC(compiled)),
    '',
    scalarText(reports),
    ...bundle.files.map((file) => `  ${out}/${file.path}`),
    `${grouped(bundle.manifest.weightBytes)} bytes of constants, ${grouped(bundle.arenaBytes)} bytes of arena`,
  ].join('\n');
}

/** Random inputs may overflow what is not proven. */
function needsData(path: string) {
  return reject({
    code: 'no-data',
    message:
      'the accumulators are calibrated, not proven: golden vectors need inputs like those that they were calibrated on',
    place: path,
    hint: 'Name the calibration samples with --calibrate.',
  });
}
