import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../src/graph/build.ts';
import type { Graph, QuantParams, Tensor } from '../../src/graph/types.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { importSource } from '../../src/onnx/import.ts';
import { readMetadata } from '../../src/onnx/metadata.ts';
import { biasOf } from '../../src/passes/fuse-layer.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import { convGraph } from '../helpers/reductions.ts';

describe('biasOf', () => {
  const scales = [0.5, 0.25, 0.125];
  const bias = (values: readonly number[], quant?: QuantParams): Tensor => ({
    ...{ id: 'b', shape: [values.length], dtype: 'float32', data: Float32Array.from(values) },
    ...(quant && { quant }),
  });

  it('keeps what whole steps leave of real biases', () => {
    const found = biasOf(bias([1, 1.3125, -0.6875]), 2, scales);
    expect([...found.data]).toEqual([1, 3, -3]);
    expect(found.remainders).toEqual([0, -0.375, 0.25]);
  });

  it('has nothing to keep of whole steps, of the integers of a file, and of what float32 holds no fractions of', () => {
    expect(biasOf(bias([1, 3, -2]), 2, scales)).toEqual({ data: Int32Array.of(1, 6, -8) });
    const integer = { scale: [1.0000001], zeroPoint: 0, qmin: -(2 ** 31), qmax: 2 ** 31 - 1 };
    expect(biasOf(bias([7.0000007], integer), 2, [0.5]).remainders).toBeUndefined();
    expect(biasOf(bias([2 ** 24 + 2]), 1, [1])).toEqual({ data: Int32Array.of(2 ** 24) });
  });
});

describe('a layer with real biases', () => {
  it('keeps them in a QDQ file', async () => {
    const graph = convGraph('n', {
      ...{ height: 3, width: 3, channels: 4, outputs: 6, kernel: [1, 1], requant: 'float32' as const },
      realBias: true,
    });
    const back = await readBack(graph);
    const [want, have] = [layerOf(graph), layerOf(back)];
    expect(have.bias).toEqual(want.bias);
    // As close as a float32 holds them beside some thousand steps.
    for (const [o, rest] of want.remainders.entries()) expect(have.remainders[o]).toBeCloseTo(rest, 3);
    expect(layerOf(await readBack(back)).remainders).toEqual(have.remainders);
  });
});

/** Through a QDQ file. */
async function readBack(graph: Graph): Promise<Graph> {
  const model = exportQdq(graph);
  const read = optimize(await importSource(model, { path: 'n.onnx' }));
  const metadata = readMetadata(model.metadata, 'n.onnx');
  return fuseQdq(read, { place: 'n.onnx', accBits: 16, lanes: 8, requant: 'float32', metadata });
}

function layerOf(graph: Graph) {
  const [node] = graph.nodes;
  if (node?.op.kind !== 'conv2d') throw new Error('no convolution');
  return { bias: [...tensorOf(graph, node.inputs[2]!).data!], remainders: node.op.integer!.biasRemainders! };
}
