import { fileURLToPath } from 'node:url';
import type { Dataset } from '../../src/data/dataset.ts';
import { inputRangeOf, readData, readRecipe } from '../../src/stages/read-data.ts';
import { importFile, type Model, readModelFile } from '../../src/stages/read-model.ts';

export type NetworkName = 'All-CNN-C' | 'ResNet-8';

export interface Network {
  readonly model: Model;
  readonly calibration: Dataset;
  readonly evaluation: Dataset;
}

export interface Paths {
  readonly calibrate: string;
  readonly evaluate: string;
  readonly resnet8: string | undefined;
}

/** The networks whose files are there. */
export async function openNetworks({ calibrate, evaluate, resnet8 }: Paths): Promise<Map<NetworkName, Network>> {
  const networks = new Map<NetworkName, Network>();
  const files = new Map<NetworkName, string | undefined>([
    ['All-CNN-C', fileURLToPath(new URL('../../examples/all-cnn-c/all-cnn-c.onnx', import.meta.url))],
    ['ResNet-8', resnet8],
  ]);
  for (const [name, path] of files) {
    if (path !== undefined) networks.set(name, await openNetwork({ path, calibrate, evaluate }));
  }
  return networks;
}

export async function openNetwork({
  path,
  calibrate,
  evaluate,
}: Record<'path' | 'calibrate' | 'evaluate', string>): Promise<Network> {
  const file = await readModelFile(path);
  const recipe = await readRecipe(file, undefined, {});
  const model = await importFile(file, { inputShapes: {}, name: undefined, inputRange: inputRangeOf(recipe) });
  const calibration = await readData(model.graph, calibrate, recipe, { seed: 1 });
  const evaluation = await readData(model.graph, evaluate, recipe, { seed: 1, labelled: true });
  return { model, calibration, evaluation };
}
