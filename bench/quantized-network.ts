import { must } from '../src/core/must.ts';
import type { Graph } from '../src/graph/types.ts';
import { importSource } from '../src/onnx/import.ts';
import { optimize } from '../src/passes/index.ts';
import { quantize } from '../src/quantize/quantize.ts';
import { readData, readRecipe } from '../src/stages/read-data.ts';
import { importFile, readModelFile } from '../src/stages/read-model.ts';
import { networks } from './networks/index.ts';
import type { QuantizedNetwork } from './specification.ts';

/** The network as `neonarrow build` quantizes it where nothing is asked for. */
export async function quantizedNetwork({ name, model, calibrate }: QuantizedNetwork): Promise<Graph> {
  const { graph, recipe } = 'file' in model ? await fromFile(model.file) : await fromBuilder(model.built);
  const data = await readData(graph, calibrate, recipe, { seed: 1 });
  const quantized = await quantize(graph, data);
  return { ...quantized.graph, name };
}

async function fromFile(path: string) {
  const file = await readModelFile(path);
  const { graph } = await importFile(file);
  return { graph, recipe: await readRecipe(file, undefined, {}) };
}

async function fromBuilder(name: string) {
  const network = must(
    networks.find((n) => n.name === name),
    name,
  );
  return { graph: optimize(await importSource(network.build(), { path: name })), recipe: {} };
}
