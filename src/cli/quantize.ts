import { resolve } from 'node:path';
import type { Command } from 'commander';
import { reject } from '../core/diagnostics.ts';
import type { Progress } from '../core/progress.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import { floatAccuracy } from '../interpret/accuracy.ts';
import { quantize } from '../quantize/quantize.ts';
import { integerAccuracy } from '../stages/integer-accuracy.ts';
import { quantizedFile } from '../stages/quantized-file.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import {
  type DataFlags,
  type ModelFlags,
  openModel,
  type QuantizerFlags,
  quantizerOptions,
  withDataOptions,
  withModelOptions,
  withQuantizerOptions,
} from './options.ts';
import { accuracyText, layerTable } from './tables.ts';

type Flags = GlobalOptions & ModelFlags & DataFlags & QuantizerFlags & { output?: string };

export function addQuantize(program: Command): void {
  const command = program
    .command('quantize')
    .argument('<model>', 'float ONNX network')
    .description('float → quantized network (ONNX QDQ with metadata)')
    .option('-o, --output <file>', 'the quantized network (default: <model>.q.onnx)');
  withDataOptions(command, { calibrate: true, evaluate: true });
  withGlobalOptions(withQuantizerOptions(withModelOptions(command)));
  command.action((path: string, flags: Flags) => perform(flags, (progress) => run(path, flags, progress)));
}

async function run(path: string, flags: Flags, progress: Progress): Promise<Outcome> {
  const { model, recipe } = await openModel(path, flags);
  requireQuantized(model, false);
  const options = quantizerOptions(flags, flags.samples);
  const { seed, samples } = flags;
  const output = flags.output ?? path.replace(/(\.onnx)?$/, '.q.onnx');
  await requireOutput(output, path);
  const calibration = await readData(model.graph, flags.calibrate ?? recipe.calibrate, recipe, { samples, seed });
  const evaluate = flags.evaluate ?? recipe.evaluate;
  const evaluation =
    evaluate === undefined ? undefined : await readData(model.graph, evaluate, recipe, { seed, labelled: true });

  const { graph, layers } = await quantize(model.graph, calibration, options, progress);
  await writeFileSafely(output, quantizedFile(graph, recipe));
  if (evaluation === undefined) return outcome({ output, layers }, '');
  const float = await floatAccuracy(path, model.graph, evaluation, { progress });
  const quantized = await integerAccuracy(graph, evaluation, { progress });
  return outcome({ output, layers, floatTop1: float.top1, top1: quantized.top1 }, accuracyText({ float, quantized }));
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

function outcome(
  json: { output: string; layers: Parameters<typeof layerTable>[0]; floatTop1?: number; top1?: number },
  accuracy: string,
): Outcome {
  const text = () =>
    [layerTable(json.layers), '', ...(accuracy === '' ? [] : [accuracy]), `wrote ${json.output}`].join('\n');
  return { json, text, ok: true };
}
