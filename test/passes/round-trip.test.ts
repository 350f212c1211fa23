import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../src/graph/build.ts';
import type { Graph, Port, TensorId } from '../../src/graph/types.ts';
import { runReference } from '../../src/interpret/reference.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { importSource } from '../../src/onnx/import.ts';
import { readMetadata } from '../../src/onnx/metadata.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import { applyChain } from '../../src/passes/views.ts';
import { randomBatch } from '../interpret/compare.ts';
import { quantizedKinds, randomCase } from '../interpret/random-cases.ts';

/** A quantized graph as a QDQ file, and read back. */
async function readBack(graph: Graph): Promise<Graph> {
  const model = exportQdq(graph);
  const metadata = readMetadata(model.metadata, 'net.onnx');
  const read = optimize(await importSource(model, { path: 'net.onnx' }));
  return fuseQdq(read, { place: 'net.onnx', accBits: 16, lanes: 8, requant: 'float32', metadata });
}

/** The input of a graph that was read back: the same ONNX value, in the order of its own tensor. */
function inputOf(graph: Graph, index: number, port: Port, inputs: ReadonlyMap<TensorId, Int8Array>): Int8Array {
  return applyChain(inputs.get(graph.inputs[index]!.tensor)!, port.shape, port.views);
}

/** The first output as the ONNX value. */
function outputOf(graph: Graph, values: ReadonlyMap<TensorId, Int8Array>): Int8Array {
  const { tensor, views } = graph.outputs[0]!;
  return applyChain(values.get(tensor)!, tensorOf(graph, tensor).shape, views);
}

const seeds = Array.from({ length: 8 }, (_, i) => 50 + i);

describe.each(quantizedKinds)('%s', (kind) => {
  it.each(seeds)('means the same behind a QDQ file, seed %i', async (seed) => {
    const graph = randomCase(kind, seed);
    const back = await readBack(graph);
    const inputs = randomBatch(graph, 1, seed);
    const values = runReference(graph, inputs);
    const again = runReference(back, new Map(back.inputs.map((p, i) => [p.tensor, inputOf(graph, i, p, inputs)])));
    const [want, have] = [outputOf(graph, values), outputOf(back, again)];
    expect(have).toEqual(want);
  });
});
