import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.ts';
import { findRecipe } from '../../src/data/recipe.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph } from '../../src/graph/types.ts';
import { argmax, floatAccuracy, quantizedAccuracy } from '../../src/interpret/accuracy.ts';
import { createFloatEvaluator } from '../../src/interpret/float.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { importModel } from '../../src/onnx/import.ts';
import { runModel } from '../../src/onnx/run.ts';
import { optimize } from '../../src/passes/index.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { expectExact } from './compare.ts';

/** The example networks from end to end; weights rounded to nearest, which is quick. */

const techniques = parseTechniques('bias');

const pathOf = (file: string) => fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));

async function load(file: string, data: string) {
  const path = pathOf(file);
  const graph = optimize(await importModel(await readFile(path), { path }));
  const shape = graph.inputs[0]!.shape;
  const dataset = await loadDataset(data, { shape, layout: 'NCHW' }, await findRecipe(path));
  return { path, graph, dataset };
}

const digits = await load('digits/digits.onnx', pathOf('digits/evaluation.npz'));

describe.each(['fixed', 'shift', 'float32'] as const)('digits, quantized with %s', (requant) => {
  it('gives the reference’s bytes in every layer', async () => {
    const { graph } = await quantize(digits.graph, digits.dataset, { requant, techniques, samples: 100 });
    const port = graph.inputs[0]!;
    const samples = inputQuantizer(graph, port)(digits.dataset.batch(0, 8), 8);
    await expectExact(graph, new Map([[port.tensor, samples]]), 8, 3);
  });
});

describe('All-CNN-C', () => {
  it('gives the reference’s bytes in every layer', async () => {
    const { graph: float, dataset } = await load('all-cnn-c/all-cnn-c.onnx', 'random:8');
    const { graph } = await quantize(float, dataset, { techniques, accBits: 32, bits: 8, samples: 8 });
    const port = graph.inputs[0]!;
    await expectExact(graph, new Map([[port.tensor, inputQuantizer(graph, port)(dataset.batch(0, 2), 2)]]), 2);
  });
});

describe('createFloatEvaluator', () => {
  it('gives the activations that ONNX Runtime gives sample by sample, channels last', async () => {
    const evaluator = await createFloatEvaluator(digits.graph, { activations: 'all', batch: 2, threads: 1 });
    const actual = await evaluator.run(digits.dataset.batch(0, 3), 3);
    await evaluator.release();
    const { model, activations } = exportFloat(digits.graph, { activations: true });
    for (let i = 0; i < 3; i++) {
      const { name, shape } = digits.graph.inputs[0]!;
      const feed = { shape, dtype: 'float32', data: digits.dataset.batch(i, i + 1) } as const;
      const expected = await runModel(model, new Map([[name, feed]]));
      for (const [id, output] of activations) {
        const tensor = digits.graph.tensors.get(id)!;
        const size = sizeOf(tensor.shape);
        const [, height, width, channels] = tensor.shape as [number, number, number, number];
        const stored = expected.get(output)!.data;
        const got = actual.get(id)!.subarray(i * size, (i + 1) * size);
        got.forEach((v, at) => {
          const plane = height * width;
          const from = tensor.shape.length === 4 ? (at % channels) * plane + Math.floor(at / channels) : at;
          if (!(Math.abs(v - stored[from]!) <= 1e-4)) expect.fail(`${id}[${at}]: ${v} instead of ${stored[from]}`);
        });
      }
    }
  });
});

describe('accuracy', () => {
  it('is that of the network, float and quantized, whatever the batch', async () => {
    const { graph } = await quantize(digits.graph, digits.dataset, { techniques, samples: 100 });
    const float = await floatAccuracy(digits.path, digits.graph, digits.dataset, { samples: 100 });
    expect(float.samples).toBe(100);
    expect(float.top1).toBeGreaterThan(0.95);
    const bytes = new Uint8Array(await readFile(digits.path));
    expect((await floatAccuracy(bytes, digits.graph, digits.dataset, { samples: 100, batch: 1 })).correct).toBe(
      float.correct,
    );
    const quantized = await quantizedAccuracy(graph, digits.dataset, { samples: 100 });
    expect(quantized.top1).toBeGreaterThan(0.95);
    expect(quantized.imagesPerSecond).toBeGreaterThan(0);
    expect((await quantizedAccuracy(graph, digits.dataset, { samples: 100, batch: 7 })).correct).toBe(
      quantized.correct,
    );
  });

  it('counts labels, not luck', async () => {
    const labels = new Int32Array(digits.dataset.count).fill(3);
    const { correct } = await floatAccuracy(digits.path, digits.graph, { ...digits.dataset, labels }, { samples: 50 });
    const threes = [...digits.dataset.labels!.subarray(0, 50)].filter((label) => label === 3).length;
    expect(Math.abs(correct - threes)).toBeLessThanOrEqual(3);
  });

  it('needs labels, and a model that runs', async () => {
    const { labels: _, ...unlabelled } = digits.dataset;
    await expect(floatAccuracy(digits.path, digits.graph, unlabelled)).rejects.toThrow('Accuracy needs labels');
    const broken: Pick<Graph, 'inputs' | 'outputs'> = {
      ...digits.graph,
      inputs: digits.graph.inputs.map((p) => ({ ...p, name: 'nothing' })),
    };
    await expect(floatAccuracy(digits.path, broken, digits.dataset)).rejects.toMatchObject({ code: 'onnxruntime' });
    await expect(floatAccuracy(new Uint8Array(9), broken, digits.dataset)).rejects.toMatchObject({
      code: 'onnxruntime',
    });
  });

  it('takes the first of equal outputs', () => {
    expect(argmax([9, 1, 5, 5, 2], 1, 4)).toBe(1);
    expect(argmax([9, -1, -1, -2, 7], 1, 3)).toBe(0);
  });
});
