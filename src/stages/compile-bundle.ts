import { must } from '../core/must.ts';
import { version } from '../core/version.ts';
import { batches, type Dataset } from '../data/dataset.ts';
import type { Recipe } from '../data/recipe.ts';
import { type Bundle, emitBundle } from '../emit/bundle.ts';
import type { BundleLayout } from '../emit/layout.ts';
import type { Graph } from '../graph/types.ts';
import { inputQuantizer } from '../interpret/quantize-input.ts';
import { type Selections, selectKernels } from '../kernels/select.ts';
import { type Plan, planMemory } from '../plan/plan.ts';
import type { Target } from '../targets/target.ts';
import { testFiles } from '../verify/golden.ts';
import { networkPath } from '../verify/load.ts';
import type { Sample } from '../verify/vectors.ts';
import { quantizedFile } from './quantized-file.ts';
import { pixelsOf } from './read-data.ts';

export interface CompileRequest {
  /** Quantized. */
  readonly graph: Graph;
  readonly target: Target;
  readonly recipe: Recipe;
  readonly modelHash: string;
  /** For the golden vectors; the first few are kept. */
  readonly samples: readonly Sample[];
  readonly name?: string | undefined;
  readonly layout?: BundleLayout;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface Compiled {
  readonly bundle: Bundle;
  readonly plan: Plan;
  readonly selections: Selections;
}

/** Quantized graph → C program with its test and build files (DESIGN §6–8). Pure. */
export function compileBundle(request: CompileRequest): Compiled {
  const { graph, target, recipe, samples } = request;
  const selections = selectKernels(graph, target);
  const plan = planMemory(graph, selections);
  const pixels = pixelsOf(graph, recipe);
  const bundle = emitBundle(
    {
      graph,
      plan,
      target,
      modelHash: request.modelHash,
      toolVersion: version,
      options: request.options,
      ...(request.layout && { layout: request.layout }),
      ...(request.name !== undefined && { name: request.name }),
      ...(pixels && { pixels }),
      ...(recipe.labels && { labels: recipe.labels }),
    },
    (info) => [
      ...testFiles(graph, plan, info, samples),
      { path: networkPath(info.prefix), contents: quantizedFile(graph, recipe) },
    ],
  );
  return { bundle, plan, selections };
}

/** The first samples of a data set as the network's int8 inputs. */
export function samplesOf(graph: Graph, data: Dataset, count: number): Sample[] {
  const quantizers = graph.inputs.map((port) => inputQuantizer(graph, port));
  return Array.from({ length: Math.min(count, data.count) }, (_, i) => {
    const values = batches(data, i, i + 1);
    return quantizers.map((quantize, input) => quantize(must(values[input], 'input'), 1));
  });
}
