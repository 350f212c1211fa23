import { describe, expect, it } from 'vitest';
import { withTensors } from '../../src/graph/build.ts';
import type { Conv2dOp } from '../../src/graph/types.ts';
import { convPairs } from '../../src/kernels/baseline-pairs.ts';
import { selectBaseline, withWideRequantization } from '../../src/kernels/baselines.ts';
import { kernels } from '../../src/kernels/index.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { type ConvCase, convGraph } from '../helpers/reductions.ts';

const wide = convGraph('wide', { height: 8, width: 8, channels: 64, outputs: 16, kernel: [3, 3], pads: [1, 1, 1, 1] });
const image = convGraph('image', { height: 8, width: 8, channels: 3, outputs: 16, kernel: [3, 3], pads: [1, 1, 1, 1] });
const depthwise = convGraph('depthwise', {
  height: 8,
  width: 8,
  channels: 32,
  outputs: 32,
  groups: 32,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
});
const chosen = (graph: typeof wide, baseline: 'widen' | 'pairs') =>
  [...selectBaseline(graph, armv8a, baseline).values()].map((kernel) => kernel.name);

describe('32-bit baselines', () => {
  it('are never selected for a network of ours', () => {
    expect(kernels.filter((kernel) => kernel.name.startsWith('baseline'))).toEqual([]);
  });

  it('take the cheaper form in each layer', () => {
    expect(chosen(wide, 'widen')).toEqual(['baseline-widen']);
    expect(chosen(wide, 'pairs')).toEqual(['baseline-pairs']);
    // Runs of nine bytes fill blocks of sixteen badly.
    expect(chosen(image, 'pairs')).toEqual(['baseline-widen']);
    expect(chosen(depthwise, 'pairs')).toEqual(['depthwise']);
  });

  it('requantize in 32 bits what they sum in 32 bits', () => {
    const formats = (c: Partial<ConvCase>) => {
      const graph = convGraph('c', {
        height: 8,
        width: 8,
        channels: 3,
        outputs: 16,
        requant: 'fixed16',
        largest: 9,
        ...c,
      });
      return withWideRequantization(graph).nodes.map((node) => (node.op as Conv2dOp).integer?.requant);
    };
    expect(formats({})).toEqual(['fixed']);
    // A depthwise layer keeps our kernel.
    expect(formats({ channels: 16, groups: 16 })).toEqual(['fixed16']);
  });

  it('do not sum two products of -128 with -128 in 16 bits', () => {
    const weights = wide.tensors.get(wide.nodes[0]!.inputs[1]!)!;
    const data = Int8Array.from(weights.data!, (w, i) => (i === 5 ? -128 : w));
    const graph = withTensors(wide, [{ ...weights, data }]);
    expect(convPairs.misfit(graph.nodes[0] as never, graph, armv8a)).toContain('leave 16 bits');
    expect(chosen(graph, 'pairs')).toEqual(['baseline-widen']);
  });
});
