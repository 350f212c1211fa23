import { describe, expect, it } from 'vitest';
import { withTensors } from '../../src/graph/build.ts';
import { convPairs } from '../../src/kernels/baseline-pairs.ts';
import { selectBaseline } from '../../src/kernels/baselines.ts';
import { kernels } from '../../src/kernels/index.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { convGraph } from '../helpers/reductions.ts';

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

  it('do not sum two products of -128 with -128 in 16 bits', () => {
    const weights = wide.tensors.get(wide.nodes[0]!.inputs[1]!)!;
    const data = Int8Array.from(weights.data!, (w, i) => (i === 5 ? -128 : w));
    const graph = withTensors(wide, [{ ...weights, data }]);
    expect(convPairs.misfit(graph.nodes[0] as never, graph, armv8a)).toContain('leave 16 bits');
    expect(chosen(graph, 'pairs')).toEqual(['baseline-widen']);
  });
});
