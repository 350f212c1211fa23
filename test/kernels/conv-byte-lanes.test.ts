import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../src/graph/types.ts';
import { certifyBytes } from '../../src/kernels/byte-lanes/certify.ts';
import { packBytes } from '../../src/kernels/byte-lanes/pack.ts';
import { convByteLanes } from '../../src/kernels/conv-byte-lanes.ts';
import { geometryOf } from '../../src/kernels/k-lanes/geometry.ts';
import { integerLayerOf, isReductionNode, proveLayer } from '../../src/proof/certify.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { convGraph, nibbles } from '../helpers/reductions.ts';

const shape = { height: 5, width: 5, channels: 20, outputs: 6, kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
const graph = convGraph('g', { ...shape, x: nibbles, inBytes: true, largest: 4 });

function layerOf(g: Graph) {
  return g.nodes.find(isReductionNode)!;
}

describe('the packed bytes of 8-bit lanes', () => {
  const geometry = geometryOf(layerOf(graph), graph);
  const packed = packBytes(geometry);

  it('are proven as the weights were before packing', () => {
    const { proof } = certifyBytes(packed, geometry.xRange, 'here');
    expect(proof).toEqual(proveLayer(integerLayerOf(graph, layerOf(graph))));
    expect(proof.flushed).toHaveLength(shape.outputs);
  });

  it('are refused where a single one leaves its lane', () => {
    // Runs are padded with zeros: those of the first run's end begin at lane 60 mod 16.
    for (const at of [0, packed.data.length / 2 - 65]) {
      const data = packed.data.slice();
      data[at] = 127;
      expect(() => certifyBytes({ ...packed, data }, geometry.xRange, 'here')).toThrow(/8 bits range over/);
    }
  });
});

describe('the kernel of 8-bit lanes', () => {
  const misfit = (g: Graph) => convByteLanes.misfit(layerOf(g) as Node<never>, g, armv8a);

  it('takes layers quantized for them, and no others', () => {
    expect(misfit(graph)).toBeUndefined();
    expect(misfit(convGraph('w', { ...shape, x: nibbles, largest: 1 }))).toMatch(
      /not quantized for 16 lanes of 8 bits/,
    );
  });
});
