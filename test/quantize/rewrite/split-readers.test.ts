import { describe, expect, it } from 'vitest';
import { quantize } from '../../../src/quantize/quantize.ts';
import { splitReaders } from '../../../src/quantize/rewrite/split-readers.ts';
import { parseTechniques } from '../../../src/quantize/techniques.ts';
import { Network, noise, relu } from '../networks.ts';

function residual() {
  const n = new Network('residual');
  const stem = n.conv(n.input([1, 6, 6, 3]), 8, 3, { clamp: relu });
  const sum = n.node({ kind: 'add', clamp: relu }, [n.conv(stem, 8, 3), stem]);
  return n.build(n.conv(sum, 4, 1));
}

describe('splitReaders', () => {
  it('puts an identity in front of layers whose data an addition reads, too', () => {
    const graph = splitReaders(residual());
    expect(graph.nodes.map((n) => n.origin.name)).toEqual(['conv2d0', 'conv2d1.data', 'conv2d1', 'add2', 'conv2d3']);
    expect(graph.nodes[3]!.inputs[1]).toBe(graph.nodes[0]!.outputs[0]);
    expect(graph.nodes[2]!.inputs[0]).toBe(graph.nodes[1]!.outputs[0]);
  });

  it('leaves a network alone where every activation has one reader', () => {
    const n = new Network('chain');
    const graph = n.build(n.conv(n.conv(n.input([1, 4, 4, 3]), 4, 1), 4, 1));
    expect(splitReaders(graph)).toBe(graph);
  });

  it('keeps 8 bits for the addition, and no identity where the layer takes 8 bits as well', async () => {
    const float = residual();
    const data = noise(float, 16);
    const techniques = parseTechniques('wide-skips,bias');
    const narrow = (await quantize(float, data, { bits: 4, techniques })).graph;
    const bitsOf = (node: number) => {
      const { qmin, qmax } = narrow.tensors.get(narrow.nodes[node]!.outputs[0]!)!.quant!;
      return Math.log2(qmax - qmin + 1);
    };
    expect(bitsOf(0)).toBe(8);
    expect(bitsOf(1)).toBe(4);
    const wide = (await quantize(float, data, { bits: 8, techniques })).graph;
    expect(wide.nodes.map((n) => n.op.kind)).toEqual(['conv2d', 'conv2d', 'add', 'conv2d']);
  });
});
