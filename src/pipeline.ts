import type { Progress } from './core/progress.ts';
import type { Recipe } from './data/recipe.ts';
import { withStack } from './emit/bundle.ts';
import type { BundleLayout } from './emit/layout.ts';
import { requireBundleFolder, writeBundle } from './emit/write.ts';
import { type Accuracy, floatAccuracy } from './interpret/accuracy.ts';
import { predictInstructions } from './kernels/predict.ts';
import type { QuantizeOptions } from './quantize/options.ts';
import { type QuantizedModel, quantize } from './quantize/quantize.ts';
import { type Compiled, compileBundle, samplesOf } from './stages/compile-bundle.ts';
import { type IntegerAccuracy, integerAccuracy } from './stages/integer-accuracy.ts';
import { readData } from './stages/read-data.ts';
import type { Model } from './stages/read-model.ts';
import { type SearchResult, type SearchSettings, searchedOptions } from './stages/search.ts';
import { verifyCompiled } from './stages/verify-compiled.ts';
import type { Target } from './targets/target.ts';
import { stackBytes, type VerifyResult } from './verify/result.ts';
import { allToolchains } from './verify/verify.ts';

/** What `neonarrow build` is asked for. */
export interface BuildRequest {
  /** Float, read and optimized. */
  readonly model: Model;
  readonly recipe: Recipe;
  readonly target: Target;
  readonly quantizer: Partial<QuantizeOptions>;
  /** Absent: the quantizer's own choice. */
  readonly search?: SearchSettings | undefined;
  readonly calibrate: string | undefined;
  readonly evaluate: string | undefined;
  readonly samples: number | undefined;
  readonly seed: number;
  /** The bundle's folder. */
  readonly out: string;
  /** Where all C names come from; the model's name where absent. */
  readonly name: string | undefined;
  readonly layout: BundleLayout;
  /** For the manifest: what shaped the bundle. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface BuildResult extends QuantizedModel, Compiled {
  readonly verification: VerifyResult;
  readonly search?: SearchResult;
  readonly accuracy?: { readonly float: Accuracy; readonly quantized: IntegerAccuracy };
}

/** Samples of the calibration data that verification runs. */
const verifiedSamples = 8;

/**
 * The whole flow (DESIGN §1): from a float network to a verified bundle. What can be refused without work is refused
 * first, and the folder is written last, all of it or nothing: whatever throws before leaves it as it was.
 */
export async function build(request: BuildRequest, progress: Progress): Promise<BuildResult> {
  const { model, recipe, target, seed, out } = request;
  const toolchains = await allToolchains(target, request.layout.runtime === 'baremetal');
  await requireBundleFolder(out);
  const calibration = await readData(model.graph, request.calibrate, recipe, { samples: request.samples, seed });
  const evaluation =
    request.evaluate === undefined
      ? undefined
      : await readData(model.graph, request.evaluate, recipe, { seed, labelled: true });

  const { quantizer, search } = await searchedOptions(
    { ...request, graph: model.graph, calibration },
    request.search,
    progress,
  );
  const quantized = await quantize(model.graph, calibration, quantizer, progress, (of) =>
    predictInstructions(of, target),
  );
  const { graph } = quantized;
  const samples = samplesOf(graph, calibration, verifiedSamples);
  const compiled = compileBundle({ ...request, graph, samples, modelHash: model.sha256 });
  const verification = await verifyCompiled(compiled, { graph, target }, { samples, seed, toolchains, progress });
  const accuracy = evaluation && {
    float: await floatAccuracy(model.path, model.graph, evaluation, { progress }),
    quantized: await integerAccuracy(graph, evaluation, { progress }),
  };
  const bundle = withStack(compiled.bundle, stackBytes(verification));
  await writeBundle(out, bundle.files);
  return { ...quantized, ...compiled, bundle, verification, ...(search && { search }), ...(accuracy && { accuracy }) };
}
