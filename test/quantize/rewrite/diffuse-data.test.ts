import { describe, expect, it } from 'vitest';
import { outputOf, tensorOf } from '../../../src/graph/build.ts';
import { isWideGrid } from '../../../src/ops/diffusion.ts';
import { quantize } from '../../../src/quantize/quantize.ts';
import { diffuseData } from '../../../src/quantize/rewrite/diffuse-data.ts';
import { parseTechniques } from '../../../src/quantize/techniques.ts';
import { Network, noise, relu } from '../networks.ts';

/** Two layers and an addition read the stem; then a pooled image, and its mean. */
function branched() {
  const n = new Network('branched');
  const stem = n.conv(n.input([1, 6, 6, 3]), 8, 3, { clamp: relu });
  const sum = n.node({ kind: 'add', clamp: relu }, [n.conv(stem, 8, 3), n.conv(stem, 8, 1)]);
  const both = n.node({ kind: 'add', clamp: relu }, [sum, stem]);
  return n.build(n.conv(both, 4, 1));
}

const kindsOf = ({ nodes }: ReturnType<typeof branched>) => nodes.map((n) => n.op.kind);

describe('diffuseData', () => {
  it('diffuses what layers read once for all of them, but not the input of the network', () => {
    const graph = diffuseData(branched());
    expect(kindsOf(graph)).toEqual(['conv2d', 'diffuse', 'conv2d', 'conv2d', 'add', 'add', 'diffuse', 'conv2d']);
    const [stem, diffusion, left, right] = graph.nodes;
    expect([left!.inputs[0], right!.inputs[0]]).toEqual([diffusion!.outputs[0], diffusion!.outputs[0]]);
    expect(graph.nodes[5]!.inputs[1]).toBe(stem!.outputs[0]);
  });

  it('leaves a network alone whose layers read single pixels', () => {
    const n = new Network('pixel');
    const graph = n.build(n.conv(n.conv(n.input([1, 1, 1, 3]), 4, 1), 4, 1));
    expect(diffuseData(graph)).toBe(graph);
  });

  it('makes the few steps from a finer grid, which additions read; at 8 bits there is nothing to diffuse', async () => {
    const float = branched();
    const data = noise(float, 16);
    const techniques = parseTechniques('diffusion,bias');
    const { graph, layers } = await quantize(float, data, { bits: 3, techniques });
    expect(layers.map(({ diffused }) => diffused)).toEqual([undefined, 'pixels', 'pixels', 'pixels']);
    const diffusions = graph.nodes.filter((n) => n.op.kind === 'diffuse');
    expect(diffusions).toHaveLength(2);
    for (const node of diffusions) {
      const [x, y] = [tensorOf(graph, node.inputs[0]!).quant!, outputOf(graph, node).quant!];
      expect([x.qmax - x.qmin, y.qmax - y.qmin]).toEqual([247, 7]);
      expect(isWideGrid(x, y)).toBe(true);
    }
    const wide = await quantize(float, data, { bits: 8, techniques });
    expect(kindsOf(wide.graph)).toEqual(kindsOf(float));
    expect(wide.layers.every(({ diffused }) => diffused === undefined)).toBe(true);
  });
});
