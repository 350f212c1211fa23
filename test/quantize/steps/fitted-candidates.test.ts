import { describe, expect, it } from 'vitest';
import { must } from '../../../src/core/must.ts';
import type { Graph } from '../../../src/graph/types.ts';
import { completeOptions, optionsOfLayer, type QuantizeOptions } from '../../../src/quantize/options.ts';
import { calibrateNetwork } from '../../../src/quantize/statistics.ts';
import { chooseActivation } from '../../../src/quantize/steps/activations.ts';
import { gridOf } from '../../../src/quantize/steps/clipping.ts';
import { decideSteps } from '../../../src/quantize/steps/decide-steps.ts';
import { fittedCandidates } from '../../../src/quantize/steps/fitted-candidates.ts';
import type { GroupDecision } from '../../../src/quantize/steps/group-decision.ts';
import { activationGroups } from '../../../src/quantize/steps/groups.ts';
import { layerOf } from '../../../src/quantize/weights/layer.ts';
import { Network, noise, relu } from '../networks.ts';

const scalar = { lanes: 1, accBits: 12 } as const;

/** The data between two layers is to be decided. */
function network(): Graph {
  const n = new Network('between', 6);
  const hidden = n.conv(n.input([1, 8, 8, 3]), 16, 3, { clamp: relu });
  return n.build(n.globalMean(n.conv(hidden, 12, 3, { clamp: relu })));
}

async function decisionOf(more: Partial<QuantizeOptions>): Promise<GroupDecision> {
  const options = completeOptions({ ...scalar, ...more });
  const statistics = await calibrateNetwork(network(), noise(network(), 16), options);
  const { graph, histograms } = statistics;
  const group = must(activationGroups(graph)[1], 'group');
  const layers = group.readers.map((n) => layerOf(graph, n, optionsOfLayer(options, n)));
  const histogram = must(histograms.get(group.members[0]!), 'histogram');
  return { group, histogram, layers, others: 0, options, statistics };
}

/** Of each candidate, by its steps: how many times as wide it is as the clip with the least squared error of the data. */
async function widthsOf(decision: GroupDecision): Promise<Map<number, number>> {
  const { group, histogram, options } = decision;
  const { candidates } = await fittedCandidates(decision);
  return new Map(
    candidates.map(({ choice: { quant } }) => {
      const steps = quant.qmax - quant.qmin;
      const plain = chooseActivation(group, histogram, {
        steps,
        clipping: options.clipping,
        grid: gridOf(options.requant),
      });
      return [steps, quant.scale[0]! / plain.quant.scale[0]!];
    }),
  );
}

describe('candidates for layers that are fitted', () => {
  it('have one clip for each number of steps, the best of some, wider ones among them', async () => {
    const decision = await decisionOf({});
    const { candidates, tried } = await fittedCandidates(decision);
    expect(tried).toBe(14);
    const widths = await widthsOf(decision);
    expect(widths.size).toBe(candidates.length);
    for (const width of widths.values()) {
      expect(Math.min(...[1, 1.15, 1.3, 1.5].map((w) => Math.abs(width - w)))).toBeLessThan(1e-6);
    }
    expect([...widths.values()].filter((w) => w > 1.1).length).toBeGreaterThan(0);
  });

  it('are one width where one was asked for, whatever its clip', async () => {
    const candidates = await fittedCandidates(await decisionOf({ bits: 3 }));
    expect(candidates.candidates).toHaveLength(1);
    expect(decideSteps(candidates).why).toBe('width as asked for');
  });

  it('keep powers of two where the scales must be some', async () => {
    const { candidates } = await fittedCandidates(await decisionOf({ requant: 'shift' }));
    for (const { choice } of candidates) expect(Number.isInteger(Math.log2(choice.quant.scale[0]!))).toBe(true);
    for (const width of (await widthsOf(await decisionOf({ requant: 'shift' }))).values())
      expect([1, 2]).toContain(width);
  });

  it('take all that was seen where that was asked for', async () => {
    const widths = await widthsOf(await decisionOf({ clipping: 'minmax' }));
    expect(new Set(widths.values())).toEqual(new Set([1]));
  });
});
