import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/graph/types.ts';
import { createFloatEvaluator } from '../../../src/interpret/float.ts';
import { channelPowers, equalize } from '../../../src/quantize/rewrite/equalize.ts';
import { mixedNetwork, Network, noise, plainConv, relu } from '../networks.ts';

async function run(graph: Graph): Promise<ReadonlyMap<string, Float32Array>> {
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  const values = await evaluator.run(noise(graph, 6).batch(0, 6), 6);
  await evaluator.release();
  return values;
}

async function equalized(graph: Graph): Promise<Graph> {
  return equalize(graph, channelPowers(graph, await run(graph)));
}

/** Two layers, the channels between them of very different sizes. */
function unequal(): Graph {
  const n = new Network('unequal');
  const x = n.input([1, 5, 5, 3]);
  const spread = (i: number) => 4 ** ((i % 4) - 2);
  const w = n.data(
    [4, 3, 3, 3],
    Float32Array.from({ length: 108 }, (_, i) => n.random.normal() * spread(Math.floor(i / 27))),
  );
  const op = plainConv(1);
  const a = n.node({ ...op, clamp: relu }, [x, w, n.constant([4], 0.1)]);
  return n.build(n.conv(a, 5, 3));
}

describe('equalize', () => {
  it.each([
    ['a network of everything', mixedNetwork()],
    ['two layers', unequal()],
  ])('computes the same: %s', async (_, graph) => {
    const [before, after] = [await run(graph), await run(await equalized(graph))];
    for (const { tensor } of graph.outputs) {
      const [a, b] = [before.get(tensor)!, after.get(tensor)!];
      a.forEach((v, i) => {
        expect(b[i]).toBeCloseTo(v, 4);
      });
    }
  });

  it('makes channels more alike, seen with what reads them', async () => {
    const graph = unequal();
    const ratio = (powers: Float64Array) => Math.max(...powers) / Math.min(...powers);
    const between = graph.nodes[0]!.outputs[0]!;
    const before = channelPowers(graph, await run(graph)).get(between)!;
    const equal = await equalized(graph);
    const after = channelPowers(equal, await run(equal)).get(between)!;
    expect(ratio(before)).toBeGreaterThan(100);
    expect(ratio(after)).toBeLessThan(ratio(before) / 10);
  });

  it('leaves alone what bears no factors: clips, functions, outputs of the network', async () => {
    const n = new Network('bound');
    const a = n.conv(n.input([1, 4, 4, 3]), 4, 1, { clamp: { lo: 0, hi: 6 } });
    const b = n.node({ kind: 'unary', fn: { name: 'sigmoid' } }, [n.conv(a, 4, 1)]);
    const graph = n.build(n.conv(b, 3, 1));
    expect(await equalized(graph)).toBe(graph);
  });

  it('gives layers that share a constant their own', async () => {
    const n = new Network('shared');
    const x = n.input([1, 4, 4, 4]);
    const [w, b] = [n.constant([4, 1, 1, 4], 0.7), n.constant([4], 0.1)];
    const op = plainConv(0, { clamp: relu });
    const graph = n.build(n.node(op, [n.node(op, [x, w, b]), w, b]));
    const output = graph.outputs[0]!.tensor;
    const [before, after] = [(await run(graph)).get(output)!, (await run(await equalized(graph))).get(output)!];
    before.forEach((v, i) => {
      expect(after[i]).toBeCloseTo(v, 4);
    });
  });
});
