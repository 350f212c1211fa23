import { createRandom } from '../../src/core/random.ts';
import { tensorOf } from '../../src/graph/build.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, Port } from '../../src/graph/types.ts';
import { createExactEvaluator } from '../../src/interpret/exact.ts';
import { portOrder } from '../../src/interpret/order.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { importSource } from '../../src/onnx/import.ts';
import type { SourceModel, SourceTensor } from '../../src/onnx/model.ts';
import { runModel } from '../../src/onnx/run.ts';
import { quantizeValue, quantOf } from '../../src/ops/quantized.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';

/** How far a quantized network of ours is from ONNX Runtime on the file it came from, over all outputs. */
export interface Agreement {
  readonly graph: Graph;
  readonly values: number;
  /** Values that differ. */
  readonly differing: number;
  /** The largest difference, in steps of the output. */
  readonly worst: number;
}

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
 * Runs samples through ONNX Runtime, optimized as users run it, and through our reference; throws where the fast exact
 * evaluator gives other integers than the reference.
 */
export async function agreement(source: SourceModel, options: AgreementOptions = {}): Promise<Agreement> {
  const { samples = 4, seed = 1, range = [-1, 1], runnable = source } = options;
  const graph = await fuse(source, range);
  const evaluator = await createExactEvaluator(graph);
  const result = { graph, values: 0, differing: 0, worst: 0 };
  try {
    for (let sample = 0; sample < samples; sample++) {
      const feeds = new Map(
        graph.inputs.map((port, i) => {
          const random = createRandom(createRandom(seed, sample).int(0, 2 ** 30), i);
          const feed = feedOf(port, random, range);
          return [port.name, options.onGrid ? rounded(graph, port, feed) : feed] as const;
        }),
      );
      const theirs = await runModel(runnable, feeds, { optimize: true });
      const steps = new Map(graph.inputs.map((port) => [port.tensor, stepsOf(graph, port, feeds.get(port.name)!)]));
      const ours = runReference(graph, steps);
      const fast = await evaluator.run(steps, 1);
      for (const port of graph.outputs) {
        const mine = ours.get(port.tensor)!;
        if (!fast.get(port.tensor)!.every((q, i) => q === mine[i])) throw new Error(`${port.name}: evaluators differ`);
        const want = stepsOf(graph, port, theirs.get(port.name)!);
        mine.forEach((q, i) => {
          result.values++;
          if (q !== want[i]) result.differing++;
          result.worst = Math.max(result.worst, Math.abs(q - want[i]!));
        });
      }
    }
  } finally {
    await evaluator.release();
  }
  return result;
}

function feedOf(
  port: Port,
  random: ReturnType<typeof createRandom>,
  [lo, hi]: readonly [number, number],
): SourceTensor {
  const length = sizeOf(port.shape);
  const make = { int8: () => random.int(-128, 127), uint8: () => random.int(0, 255) };
  if (port.integer === 'int8') return { shape: port.shape, dtype: 'int8', data: Int8Array.from({ length }, make.int8) };
  if (port.integer === 'uint8') {
    return { shape: port.shape, dtype: 'uint8', data: Uint8Array.from({ length }, make.uint8) };
  }
  const data = Float32Array.from({ length }, () => lo + (hi - lo) * random.float());
  return { shape: port.shape, dtype: 'float32', data };
}

function rounded(graph: Graph, port: Port, feed: SourceTensor): SourceTensor {
  const quant = quantOf(tensorOf(graph, port.tensor));
  const data = Float32Array.from(feed.data, (v) => quant.step * (quantizeValue(v, quant) - quant.zeroPoint));
  return { ...feed, data };
}

/** A port's ONNX value as steps of its tensor, channels last. */
function stepsOf(graph: Graph, port: Port, value: SourceTensor): Int8Array {
  if (port.integer === undefined && graph.inputs.includes(port)) {
    return inputQuantizer(graph, port)(value.data as Float32Array, 1);
  }
  const quant = quantOf(tensorOf(graph, port.tensor));
  const offset = port.integer === 'uint8' ? 128 : 0;
  const steps = Int8Array.from(value.data, (v) => (port.integer === undefined ? quantizeValue(v, quant) : v - offset));
  if (graph.inputs.includes(port)) {
    const order = portOrder(port);
    return order === undefined ? steps : steps.map((_, i) => steps[order[i]!]!);
  }
  // An output's views lead from the tensor to the ONNX value.
  const order = portOrder({ ...port, shape: tensorOf(graph, port.tensor).shape });
  if (order === undefined) return steps;
  const own = new Int8Array(steps.length);
  order.forEach((to, i) => {
    own[to] = steps[i]!;
  });
  return own;
}
