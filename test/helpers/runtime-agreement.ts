import { createRandom } from '../../src/core/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { tensorOf } from '../../src/graph/build.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, Port } from '../../src/graph/types.ts';
import { type Agreement, agreementWith } from '../../src/interpret/agreement.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { importSource } from '../../src/onnx/import.ts';
import type { SourceModel } from '../../src/onnx/model.ts';
import { quantOf } from '../../src/ops/quantized.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';

export interface AgreementOptions {
  readonly samples?: number;
  readonly seed?: number;
  /** Of real inputs; integer inputs take all their values. */
  readonly range?: readonly [number, number];
  /** Real inputs are on the input's grid already: for networks that do not round their input themselves. */
  readonly onGrid?: boolean;
  /** What ONNX Runtime runs instead of the file: the same in standard operators. */
  readonly runnable?: SourceModel;
}

export async function fuse(source: SourceModel, inputRange?: readonly [number, number]): Promise<Graph> {
  const graph = optimize(await importSource(source, { path: 'net.onnx' }));
  return fuseQdq(graph, { place: 'net.onnx', accBits: 16, lanes: 8, requant: 'float32', inputRange });
}

/**
 * Runs samples through ONNX Runtime, optimized as users run it, and through our integers; throws where the fast exact
 * evaluator gives others than the reference.
 */
export async function agreement(
  source: SourceModel,
  options: AgreementOptions = {},
): Promise<Agreement & { readonly graph: Graph }> {
  const { samples = 4, seed = 1, range = [-1, 1], runnable = source } = options;
  const graph = await fuse(source, range);
  const [data, ...others] = graph.inputs.map((port, i) => noise(graph, port, { samples, seed: seed + 997 * i, range }));
  const dataset = { ...data!, others };
  await expectSameIntegers(graph, dataset);
  const openInputs = new Set(options.onGrid ? graph.inputs.map((p) => p.tensor) : []);
  return { ...(await agreementWith({ model: runnable, openInputs }, graph, dataset)), graph };
}

/** Random samples for one input. */
function noise(
  graph: Graph,
  port: Port,
  { samples, seed, range: [lo, hi] }: { samples: number; seed: number; range: readonly [number, number] },
): Dataset {
  const size = sizeOf(port.shape);
  const { step, zeroPoint } = quantOf(tensorOf(graph, port.tensor));
  const sample = (i: number) => {
    const random = createRandom(seed, i);
    const real = () =>
      port.integer === undefined ? lo + (hi - lo) * random.float() : step * (random.int(-128, 127) - zeroPoint);
    return Float32Array.from({ length: size }, real);
  };
  const batch = (from: number, to: number) =>
    Float32Array.from(Array.from({ length: to - from }, (_, i) => [...sample(from + i)]).flat());
  return { count: samples, sampleSize: size, describe: 'noise', batch };
}

async function expectSameIntegers(graph: Graph, data: Dataset): Promise<void> {
  const evaluator = await createExactEvaluator(graph);
  const inputs = [data, ...(data.others ?? [])];
  for (let i = 0; i < data.count; i++) {
    const steps = new Map(
      graph.inputs.map((p, k) => [p.tensor, inputQuantizer(graph, p)(inputs[k]!.batch(i, i + 1), 1)]),
    );
    const ours = runReference(graph, steps);
    const fast = await evaluator.run(steps, 1);
    for (const { name, tensor } of graph.outputs) {
      const mine = ours.get(tensor)!;
      if (!fast.get(tensor)!.every((q, k) => q === mine[k])) throw new Error(`${name}: evaluators differ`);
    }
  }
  await evaluator.release();
}
