import { describe, expect, it } from 'vitest';
import { isKind } from '../../src/graph/build.ts';
import type { Clamp, Graph, Node } from '../../src/graph/types.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import type { DiffusionMetadata } from '../../src/onnx/diffusion-metadata.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { importSource } from '../../src/onnx/import.ts';
import { readMetadata } from '../../src/onnx/metadata.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { Network, noise, relu } from '../quantize/networks.ts';
import { defaults, meaningOf, writtenAndRead } from './round-trip.ts';

describe('errors diffused to other channels', () => {
  async function carrying(): Promise<Graph> {
    const n = new Network('c', 5);
    const stem = n.conv(n.input([1, 5, 5, 3]), 40, 3, { clamp: relu });
    const float = n.build(n.conv(stem, 30, 3));
    return (await quantize(float, noise(float, 16), { bits: 3, techniques: parseTechniques('channel-diffusion,bias') }))
      .graph;
  }

  it('are written with what channels carry, and read back', async () => {
    const graph = await carrying();
    const diffusion = graph.nodes.find(({ op }) => op.kind === 'diffuse')!;
    expect(diffusion.op).toMatchObject({ carries: { weights: expect.any(Int8Array) } });
    expect(meaningOf(await writtenAndRead(graph))).toEqual(meaningOf(graph));
  });

  it('are refused where 16 bits do not hold what is carried, or it is of other channels', async () => {
    const graph = await carrying();
    const source = await decodeModel(encodeModel(exportQdq(graph)), 'q.onnx');
    const metadata = readMetadata(source.metadata, 'q.onnx')!;
    const float = optimize(await importSource(source, { path: 'q.onnx' }));
    const [{ name, carries }] = metadata.diffused as [DiffusionMetadata];
    const fuse = (weights: Int8Array) => {
      const said = [{ name, carries: { shift: carries!.shift, weights: Buffer.from(weights).toString('base64') } }];
      return fuseQdq(float, { ...defaults, metadata: { ...metadata, diffused: said } });
    };
    const weights = Int8Array.from(Buffer.from(carries!.weights, 'base64'));
    expect(() => fuse(weights)).not.toThrow();
    const refused = `errors can't be diffused at "${name}"`;
    expect(() => fuse(weights.slice(40))).toThrow(refused);
    expect(() => fuse(weights.with(17, 1))).toThrow(refused);
    const wide = weights.slice();
    wide.fill(127, 40 * 20, 40 * 20 + 3);
    expect(() => fuse(wide)).toThrow(refused);
  });
});

describe('what the channels of a pixel add up to', () => {
  /** Behind a ReLU zero is the lowest integer of what is diffused. */
  async function limited(stem: { readonly clamp?: Clamp }): Promise<Graph> {
    const n = new Network('c', 5);
    const float = n.build(n.conv(n.conv(n.input([1, 5, 5, 3]), 40, 3, stem), 30, 3));
    const options = { bits: 4, techniques: parseTechniques('diffusion,bias') };
    const { graph } = await quantize(float, noise(float, 16), options);
    const keeping = (node: Node): Node =>
      isKind(node, 'diffuse') ? { ...node, op: { ...node.op, pixelSum: 29 } } : node;
    return { ...graph, nodes: graph.nodes.map(keeping) };
  }

  it('is written and read back', async () => {
    const graph = await limited({ clamp: relu });
    const read = await writtenAndRead(graph);
    expect(read.nodes.map(({ op }) => op)).toContainEqual({ kind: 'diffuse', pixelSum: 29 });
    expect(meaningOf(read)).toEqual(meaningOf(graph));
  });

  it('is refused where zero is not the lowest integer', async () => {
    const read = writtenAndRead(await limited({}));
    await expect(read).rejects.toThrow('zero is not its lowest integer');
    await expect(read).rejects.toMatchObject({ code: 'bad-metadata', place: 'q.onnx' });
  });
});
