import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { beforeAll } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { npy } from '../data/helpers.ts';
import { buildModel, type ModelSpec, random } from '../onnx/model-helper.ts';

const samples = 24;

/** A classifier of 8×8 gray pixels into four classes: two convolutions, two pools, a fully connected layer. */
export const tinySpec: ModelSpec = {
  inputs: { image: ['N', 1, 8, 8] },
  nodes: [
    { op: 'Conv', name: 'conv1', inputs: ['image', 'w1', 'b1'], outputs: ['c1'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'Relu', name: 'relu1', inputs: ['c1'], outputs: ['r1'] },
    {
      op: 'MaxPool',
      name: 'pool1',
      inputs: ['r1'],
      outputs: ['p1'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
    { op: 'Conv', name: 'conv2', inputs: ['p1', 'w2'], outputs: ['c2'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'Relu', name: 'relu2', inputs: ['c2'], outputs: ['r2'] },
    { op: 'GlobalAveragePool', name: 'pool2', inputs: ['r2'], outputs: ['p2'] },
    { op: 'Flatten', name: 'flatten', inputs: ['p2'], outputs: ['f'] },
    { op: 'Gemm', name: 'scores', inputs: ['f', 'w3', 'b3'], outputs: ['y'], attributes: { transB: 1 } },
  ],
  constants: {
    w1: random([8, 1, 3, 3], 1, 0.5),
    b1: random([8], 2, 0.1),
    w2: random([16, 8, 3, 3], 3, 0.2),
    w3: random([4, 16], 4, 0.3),
    b3: random([4], 5, 0.1),
  },
};

export interface TinyFiles {
  readonly model: string;
  /** Pixels without labels. */
  readonly pixels: string;
  /** The same with labels. */
  readonly labelled: string;
}

/** The files of `writeTiny` in a test file's own folder, there while its tests run. */
export function ownTiny(folder: string): TinyFiles {
  beforeAll(async () => {
    await writeTiny(folder);
  });
  return tinyFiles(folder);
}

function tinyFiles(folder: string, name = 'tiny.onnx'): TinyFiles {
  const at = (file: string): string => join(folder, file);
  return { model: at(name), pixels: at('pixels.npy'), labelled: at('labelled.npz') };
}

/** Writes the network, its recipe and some noise as samples. */
export async function writeTiny(folder: string, name?: string): Promise<TinyFiles> {
  const files = tinyFiles(folder, name);
  const { model, pixels, labelled } = files;
  await writeFile(model, encodeModel(buildModel(tinySpec)));
  const recipe = { pixelScale: 1 / 255, labels: ['a', 'b', 'c', 'd'] };
  await writeFile(model.replace(/\.onnx$/, '.json'), JSON.stringify(recipe));
  const r = createRandom(7);
  const x = npy(
    '|u1',
    [samples, 8, 8, 1],
    Uint8Array.from({ length: samples * 64 }, () => r.int(0, 255)),
  );
  const y = npy(
    '|u1',
    [samples],
    Uint8Array.from({ length: samples }, () => r.int(0, 3)),
  );
  await writeFile(pixels, x);
  await writeFile(labelled, zipSync({ 'x.npy': x, 'y.npy': y }));
  return files;
}

/** Writes another network into the folder. */
export async function writeSpec(folder: string, name: string, spec: ModelSpec | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, spec instanceof Uint8Array ? spec : encodeModel(buildModel(spec)));
  return path;
}
