import { describe, expect, it } from 'vitest';
import { must } from '../../src/core/must.ts';
import { inputsOf, isKind, tensorOf } from '../../src/graph/build.ts';
import type { Graph, Node, Tensor, WinogradOp } from '../../src/graph/types.ts';
import { sandwich, winogradTransforms } from '../../src/numeric/winograd.ts';
import { quantizeTap } from '../../src/ops/winograd-parts.ts';
import { winogradAdversary } from '../../src/verify/adversarial-winograd.ts';
import { sixBits, winogradGraph } from '../helpers/winograd.ts';
import { limitedGraph } from './graphs.ts';

function nodeOf(graph: Graph): Node<WinogradOp> {
  const [node] = graph.nodes;
  if (node === undefined || !isKind(node, 'winograd')) throw new Error('no Winograd convolution');
  return node;
}

/** The tap's int8 values at a tile that lies inside the input. */
function tapValues(graph: Graph, values: Int8Array, place: { y: number; x: number }, tap: number): number[] {
  const node = nodeOf(graph);
  const { input, size } = winogradTransforms(node.op.tile);
  const [, , width, channels] = tensorOf(graph, node.inputs[0]!).shape as [number, number, number, number];
  const [top, left] = [place.y * node.op.tile - node.op.pads[0], place.x * node.op.tile - node.op.pads[1]];
  return Array.from({ length: channels }, (_, c) => {
    const window = Array.from({ length: size * size }, (_unused, k) => {
      return values[((top + Math.floor(k / size)) * width + left + (k % size)) * channels + c]!;
    });
    return quantizeTap(node.op.input, size, tap, sandwich(input, window)[tap]!);
  });
}

describe('the adversary of a Winograd convolution', () => {
  it.each([2, 4] as const)('attains both bounds of each tap and channel, F(%s)', (tile) => {
    const graph = winogradGraph('w', { tile, height: 22, width: 21, channels: 18, outputs: 3, saturating: true });
    const node = nodeOf(graph);
    const [, w] = inputsOf(graph, node) as [Tensor, Tensor];
    const adversary = winogradAdversary(graph, node, 1);
    const taps = (tile + 2) ** 2;
    expect(adversary).toMatchObject({ attained: true, pairs: 2 * 3 * taps });
    const seen = new Set<string>();
    const { qmin, qmax } = node.op.input;
    for (let i = 0; i < adversary.inputCount; i++) {
      const { values, extremes } = adversary.input(i);
      for (const { channel, bound, place } of extremes) {
        seen.add(`${channel} ${bound}`);
        tapValues(graph, values, place, channel % taps).forEach((q, c) => {
          const weight = must(w.data![channel * 18 + c], 'weight');
          if (weight !== 0) expect(q).toBe(weight > 0 === (bound === 'hi') ? qmax : qmin);
        });
      }
    }
    expect(seen.size).toBe(adversary.pairs);
    expect(adversary.coverage(adversary.inputCount)).toBe(adversary.pairs);
  });

  it('says where no input attains the bounds', () => {
    const exact = winogradGraph('w', {
      tile: 2,
      height: 8,
      width: 8,
      channels: 16,
      outputs: 2,
      exact: true,
      x: sixBits,
    });
    expect(winogradAdversary(exact, nodeOf(exact), 1)).toMatchObject({
      attained: false,
      note: expect.stringContaining('not every tap'),
    });
    const small = winogradGraph('w', { tile: 4, height: 3, width: 3, channels: 16, outputs: 2, saturating: true });
    expect(winogradAdversary(small, nodeOf(small), 1).attained).toBe(false);
  });

  it('keeps what pixels add up to', () => {
    const x = sixBits;
    const layer = winogradGraph('w', { tile: 2, height: 12, width: 11, channels: 18, outputs: 2, saturating: true, x });
    const graph = limitedGraph(layer, 100);
    const adversary = winogradAdversary(graph, graph.nodes[1] as Node<WinogradOp>, 1);
    expect(adversary.attained).toBe(false);
    expect(adversary.note).toContain('what pixels of its input add up to is limited');
    const { values } = adversary.input(0);
    for (let from = 0; from < values.length; from += 18) {
      expect(values.subarray(from, from + 18).reduce((sum, v) => sum + v - x.qmin, 0)).toBeLessThanOrEqual(100);
    }
  });
});
