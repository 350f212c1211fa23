import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { ChannelCarries, DiffuseOp, Graph, Node, QuantParams } from '../../../src/graph/types.ts';
import { carriesFit } from '../../../src/ops/carries.ts';
import { wideGrid } from '../../../src/ops/diffusion.ts';
import { diffuseData } from '../../../src/quantize/rewrite/diffuse-data.ts';
import { evaluate, narrowGrid, QuantizedGraphBuilder } from '../../helpers/quantized-graph.ts';
import { Network, relu } from '../networks.ts';

/** The only diffusion of a network of a stem of `channels` and what `readers` add. */
function carriesOf(channels: number, readers: (n: Network, stem: string) => string): ChannelCarries | undefined {
  const n = new Network('carries', 3);
  const stem = n.conv(n.input([1, 6, 6, 3]), channels, 3, { clamp: relu });
  return onlyDiffusion(diffuseData(n.build(readers(n, stem)), { toChannels: true })).op.carries;
}

function onlyDiffusion(graph: Graph): Node<DiffuseOp> {
  const found = graph.nodes.filter((node) => node.op.kind === 'diffuse') as Node<DiffuseOp>[];
  expect(found).toHaveLength(1);
  return found[0]!;
}

describe('channelCarries', () => {
  it('are integers that 16 bits have room for, for blocks behind the first', () => {
    const carries = carriesOf(48, (n, stem) => n.conv(stem, 20, 3))!;
    expect(carriesFit(carries.weights, 48)).toBe(true);
    const blocks = [0, 16, 32].map((c) => carries.weights.slice(c * 48, (c + 16) * 48).some((w) => w !== 0));
    expect(blocks).toEqual([false, true, true]);
  });

  it('are none for a block alone, for readers of single channels, and where layers are less work', () => {
    expect(carriesOf(16, (n, stem) => n.conv(stem, 20, 3))).toBeUndefined();
    expect(carriesOf(32, (n, stem) => n.conv(stem, 32, 3, { groups: 32 }))).toBeUndefined();
    expect(carriesOf(64, (n, stem) => n.conv(stem, 8, 1))).toBeUndefined();
    expect(carriesOf(64, (n, stem) => n.conv(stem, 40, 1))).toBeDefined();
  });

  it('leave less error in the sums of the layer that reads the data', () => {
    const n = new Network('carries', 3);
    const stem = n.conv(n.input([1, 6, 6, 3]), 96, 3, { clamp: relu });
    const graph = diffuseData(n.build(n.conv(stem, 48, 1)), { toChannels: true });
    const { carries } = onlyDiffusion(graph).op;
    const weights = graph.tensors.get(graph.nodes.at(-1)!.inputs[1]!)!.data as Float32Array;
    const narrow = narrowGrid(7);
    const wide = wideGrid(narrow);
    const random = createRandom(1);
    const x = Int8Array.from({ length: 36 * 96 }, () => random.int(wide.zeroPoint, wide.zeroPoint + 100));
    const errorOf = (y: Int8Array) =>
      sumsOf(weights, 96, (i) => realOf(y[i]!, narrow) - realOf(x[i]!, wide), x.length)
        .map((sum) => sum ** 2)
        .reduce((a, b) => a + b);
    expect(errorOf(diffused(x, narrow, carries))).toBeLessThan(0.85 * errorOf(diffused(x, narrow, undefined)));
  });
});

/** 6 × 6 pixels. */
function diffused(x: Int8Array, narrow: QuantParams, carries: ChannelCarries | undefined): Int8Array {
  const b = new QuantizedGraphBuilder('d');
  const input = b.input([1, 6, 6, x.length / 36], wideGrid(narrow));
  const y = b.node({ kind: 'diffuse', ...(carries && { carries }) }, [input], narrow);
  b.output(y);
  return evaluate(b.build(), [x]).get(y)!;
}

function realOf(q: number, { scale, zeroPoint }: QuantParams): number {
  return scale[0]! * (q - zeroPoint);
}

/** Of each pixel, the sums of a 1×1 convolution: outputs × channels. */
function sumsOf(weights: Float32Array, channels: number, value: (i: number) => number, size: number): number[] {
  const outputs = weights.length / channels;
  return Array.from({ length: (size / channels) * outputs }, (_, i) => {
    const [pixel, o] = [Math.floor(i / outputs) * channels, (i % outputs) * channels];
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += weights[o + c]! * value(pixel + c);
    return sum;
  });
}
