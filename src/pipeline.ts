import type { Progress } from './core/progress.ts';
import type { Recipe } from './data/recipe.ts';
import { writeBundle } from './emit/write.ts';
import { type Accuracy, floatAccuracy, quantizedAccuracy } from './interpret/accuracy.ts';
import type { QuantizeOptions } from './quantize/options.ts';
import { type QuantizedModel, quantize } from './quantize/quantize.ts';
import { type Compiled, compileBundle, samplesOf } from './stages/compile-bundle.ts';

import { readData } from './stages/read-data.ts';
import type { Model } from './stages/read-model.ts';
import type { Target } from './targets/target.ts';
import type { VerifyResult } from './verify/result.ts';
import { verifyProgram } from './verify/verify.ts';

/** What `neonarrow build` is asked for. */
export interface BuildRequest {
  /** Float, read and optimized. */
  readonly model: Model;
  readonly recipe: Recipe;
  readonly target: Target;
  readonly quantizer: Partial<QuantizeOptions>;
  readonly calibrate: string | undefined;
  readonly evaluate: string | undefined;
  readonly samples: number | undefined;
  readonly seed: number;
  /** The bundle's folder. */
  readonly out: string;
  /** Where all C names come from; the model's name where absent. */
  readonly name: string | undefined;
  /** For the manifest: what shaped the bundle. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface BuildResult extends QuantizedModel, Compiled {
  readonly verification: VerifyResult;
  readonly accuracy?: { readonly float: Accuracy; readonly quantized: Accuracy };
}

/** Samples of the calibration data that verification runs. */
const verifiedSamples = 8;

/** The whole flow (DESIGN §1): from a float network to a verified bundle. */
export async function build(request: BuildRequest, progress: Progress): Promise<BuildResult> {
  const { model, recipe, target, seed } = request;
  const calibration = await readData(model.graph, request.calibrate, recipe, { samples: request.samples, seed });
  const evaluation =
    request.evaluate === undefined
      ? undefined
      : await readData(model.graph, request.evaluate, recipe, { seed, labelled: true });

  const quantized = await quantize(model.graph, calibration, request.quantizer, progress);
  const { graph } = quantized;
  const samples = samplesOf(graph, calibration, verifiedSamples);
  const compiled = compileBundle({ ...request, graph, samples, modelHash: model.sha256 });
  await writeBundle(request.out, compiled.bundle.files);
  const program = { prefix: compiled.bundle.prefix, graph, plan: compiled.plan, target };
  const verification = await verifyProgram(request.out, program, { samples, seed, progress });
  const result = { ...quantized, ...compiled, verification };
  if (evaluation === undefined) return result;
  const float = await floatAccuracy(model.path, model.graph, evaluation, { progress });
  return { ...result, accuracy: { float, quantized: await quantizedAccuracy(graph, evaluation, { progress }) } };
}
