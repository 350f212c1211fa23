import type { Command } from 'commander';
import type { Progress } from '../core/progress.ts';
import { floatAccuracy } from '../interpret/accuracy.ts';
import { agreementWith } from '../interpret/agreement.ts';
import { integerAccuracy } from '../stages/integer-accuracy.ts';
import { readData } from '../stages/read-data.ts';
import { requireQuantized } from '../stages/read-model.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { type DataFlags, withDataOptions } from './data-options.ts';
import { type ModelFlags, openModel, withModelOptions } from './model-options.ts';
import { accuracyText, agreementText } from './tables.ts';

type Flags = GlobalOptions & ModelFlags & DataFlags & { agreement?: string };

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .argument('<model>', 'ONNX network, float or quantized')
    .description('top-1 accuracy; a quantized network is computed exactly, as the C computes it')
    .option(
      '--agreement <data>',
      'compare the outputs of a quantized network with those of ONNX Runtime, in steps; needs no labels',
    );
  withDataOptions(command, { calibrate: false, evaluate: true });
  withGlobalOptions(withModelOptions(command));
  command.action((path: string, flags: Flags) => perform(flags, (progress) => run(path, flags, progress)));
}

async function run(path: string, flags: Flags, progress: Progress): Promise<Outcome> {
  const { model, recipe } = await openModel(path, flags);
  const { seed, agreement } = flags;
  if (agreement !== undefined) {
    const { graph, original, notes } = requireQuantized(model, true);
    const data = await readData(graph, agreement, recipe, { samples: flags.samples, seed, flag: '--agreement' });
    const found = await agreementWith(original, graph, data, progress);
    return { json: { agreement: found, notes }, text: () => [agreementText(found), ...notes].join('\n'), ok: true };
  }
  const data = await readData(model.graph, flags.evaluate ?? recipe.evaluate, recipe, {
    samples: flags.samples,
    seed,
    labelled: true,
  });
  // A quantized file's own float meaning is what ONNX Runtime makes of its QDQ or Quant nodes.
  const title = model.quantized ? 'evaluate in ONNX Runtime' : 'evaluate float';
  const float = await floatAccuracy(model.runnable, model.graph, data, { progress, title });
  if (!model.quantized) {
    // `top1` is that of the network named, whatever its kind.
    const { samples, top1, imagesPerSecond } = float;
    const json = { samples, floatTop1: top1, top1, imagesPerSecond };
    return { json, text: () => accuracyText({ float }), ok: true };
  }
  const quantized = await integerAccuracy(model.graph, data, { progress });
  const { imagesPerSecond, top1 } = quantized;
  const json = { samples: quantized.samples, floatTop1: float.top1, top1, imagesPerSecond };
  return { json, text: () => accuracyText({ onnxRuntime: float, quantized }), ok: true };
}
