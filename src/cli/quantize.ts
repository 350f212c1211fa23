import { resolve } from 'node:path';
import type { Command } from 'commander';
import { reject } from '../core/diagnostics.ts';
import type { Progress } from '../core/progress.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import { type Accuracy, floatAccuracy } from '../interpret/accuracy.ts';
import { predictInstructions } from '../kernels/predict.ts';
import { quantize } from '../quantize/quantize.ts';
import type { LayerReport } from '../quantize/report.ts';
import { type IntegerAccuracy, integerAccuracy } from '../stages/integer-accuracy.ts';
import { quantizedFile } from '../stages/quantized-file.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { type SearchResult, searchedOptions } from '../stages/search.ts';
import { targetOf, withTargetOption } from './bundle-options.ts';
import { type Outcome, perform } from './command.ts';
import { openModel } from './model-options.ts';
import { quantizerOptions } from './quantizer-options.ts';
import { type QuantizingFlags, withQuantizingOptions } from './quantizing-options.ts';
import { searchJson, searchOf, searchText, withReasons, writeFront } from './search-options.ts';
import { accuracyText, layerTable, reasonTable } from './tables.ts';

type Flags = QuantizingFlags & { output?: string; report?: true; target: string };

export function addQuantize(program: Command): void {
  const command = program
    .command('quantize')
    .argument('<model>', 'float ONNX network')
    .description('float → quantized network (ONNX QDQ with metadata)')
    .option('-o, --output <file>', 'the quantized network (default: <model>.q.onnx)');
  command.option('--report', 'say of each layer also its budget and why it was chosen');
  withTargetOption(command);
  withQuantizingOptions(command);
  command.action((path: string, flags: Flags) => perform(flags, (progress) => run(path, flags, progress)));
}

async function run(path: string, flags: Flags, progress: Progress): Promise<Outcome> {
  const { model, recipe } = await openModel(path, flags);
  requireQuantized(model, false);
  const options = quantizerOptions(flags, flags.samples);
  const { seed, samples } = flags;
  const output = flags.output ?? path.replace(/(\.onnx)?$/, '.q.onnx');
  await requireOutput(output, path);
  const settings = await searchOf(flags);
  const calibration = await readData(model.graph, flags.calibrate ?? recipe.calibrate, recipe, { samples, seed });
  const evaluate = flags.evaluate ?? recipe.evaluate;
  const evaluation =
    evaluate === undefined ? undefined : await readData(model.graph, evaluate, recipe, { seed, labelled: true });

  const request = { graph: model.graph, calibration, quantizer: options, target: targetOf(flags) };
  const { quantizer, search } = await searchedOptions(request, settings, progress);
  const { graph, layers } = await quantize(model.graph, calibration, quantizer, progress, (of) =>
    predictInstructions(of, request.target),
  );
  await writeFileSafely(output, quantizedFile(graph, recipe));
  if (search) await writeFront(flags.front, search);
  const written: Written = {
    output,
    layers: withReasons(layers, search),
    report: flags.report === true,
    ...(search && { search }),
  };
  if (evaluation === undefined) return outcome(written, {});
  const float = await floatAccuracy(path, model.graph, evaluation, { progress });
  return outcome(written, { float, quantized: await integerAccuracy(graph, evaluation, { progress }) });
}

/** Refuses an output that cannot be written before any work, and one that would replace the float network. */
async function requireOutput(output: string, model: string): Promise<void> {
  if (resolve(output) === resolve(model)) {
    throw reject({
      code: 'output-is-input',
      message: 'the quantized network would replace the float one',
      place: output,
      hint: 'Give another name with -o.',
    });
  }
  await requireWritable(output);
}

interface Written {
  readonly output: string;
  readonly layers: readonly LayerReport[];
  readonly report: boolean;
  readonly search?: SearchResult;
}

function outcome(
  { output, layers, report, search }: Written,
  accuracy: { readonly float?: Accuracy; readonly quantized?: IntegerAccuracy },
): Outcome {
  const { float, quantized } = accuracy;
  const json = {
    output,
    layers,
    ...(search && { search: searchJson(search) }),
    ...(float && { floatTop1: float.top1 }),
    ...(quantized && { top1: quantized.top1 }),
    ...(quantized?.overflowed !== undefined && { overflowed: quantized.overflowed }),
  };
  const text = () =>
    [
      ...(search ? [searchText(search), ''] : []),
      layerTable(layers),
      '',
      ...(report ? [reasonTable(layers), ''] : []),
      ...(float ? [accuracyText(accuracy)] : []),
      `wrote ${output}`,
    ].join('\n');
  return { json, text, ok: true };
}
