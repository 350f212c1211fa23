import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/graph/types.ts';
import { predictInstructions } from '../../../src/kernels/predict.ts';
import { completeOptions, type QuantizeOptions } from '../../../src/quantize/options.ts';
import { quantizeCalibrated } from '../../../src/quantize/quantize.ts';
import { measureCandidates } from '../../../src/quantize/search/candidates.ts';
import type { Candidate } from '../../../src/quantize/search/front.ts';
import { searchGlobally } from '../../../src/quantize/search/global.ts';
import type { CandidateRequest } from '../../../src/quantize/search/request.ts';
import type { NamedSettings } from '../../../src/quantize/search/settings.ts';
import { calibrateNetwork } from '../../../src/quantize/statistics.ts';
import { armv8a } from '../../../src/targets/armv8-a.ts';
import { Network, noise, relu } from '../networks.ts';

/** One layer that has Winograd forms between two that have none. */
function network(): Graph {
  const n = new Network('w', 5);
  const first = n.conv(n.input([1, 8, 8, 3]), 64, 3, { clamp: relu });
  const second = n.conv(first, 24, 3, { clamp: relu });
  return n.build(n.conv(second, 8, 1));
}

async function requestOf(more: Partial<QuantizeOptions> = {}): Promise<CandidateRequest> {
  const options = completeOptions({ segments: 2, ...more });
  const statistics = await calibrateNetwork(network(), noise(network(), 6), options);
  const { graph } = statistics;
  const instructionsOf = (of: Graph) => predictInstructions(of, armv8a);
  const sensitivities = new Map(graph.nodes.map(({ id }) => [id, 1]));
  return { graph, statistics, options, instructionsOf, sensitivities, global: true };
}

/** The second layer's candidates. */
async function candidatesOf(request: CandidateRequest): Promise<readonly Candidate<NamedSettings>[]> {
  const [, unit] = await measureCandidates(request);
  return unit?.variants.flat(2) ?? [];
}

/** Those that read data of so many bits. */
function ofWidth(candidates: readonly Candidate<NamedSettings>[], bits: number) {
  return candidates.filter(({ settings }) => settings.override.bits === bits);
}

const formsOf = (candidates: readonly Candidate<NamedSettings>[]) =>
  new Set(candidates.map(({ settings: { override } }) => override.winograd));

describe('forms in the Winograd domain as candidates', () => {
  it('stand among the direct ones, with fewer instructions and a measured error', async () => {
    const all = await candidatesOf(await requestOf());
    const least = (of: typeof all) => Math.min(...of.map((c) => c.instructions));
    const direct = all.filter(({ settings }) => settings.override.winograd === undefined);
    expect(direct.length).toBeGreaterThan(0);
    for (const [bits, form] of [
      [8, 'f4'],
      [6, 'f2-exact'],
    ] as const) {
      const own = ofWidth(all, bits).filter(({ settings }) => settings.override.winograd === form);
      expect(own.length).toBeGreaterThan(0);
      expect(least(own)).toBeLessThan(least(direct));
      for (const { error } of own) {
        expect(error).toBeGreaterThan(1e-5);
        expect(error).toBeLessThan(0.1);
      }
    }
  });

  it('are none where the accumulator is to stay, where a layer says so, and at other widths', async () => {
    const request = await requestOf();
    expect(formsOf(await candidatesOf({ ...request, global: false }))).toEqual(new Set([undefined]));
    expect(formsOf(ofWidth(await candidatesOf(request), 7))).toEqual(new Set([undefined]));
    const name = network().nodes[1]!.origin.name;
    const asked = await requestOf({ layers: new Map([[name, { winograd: 'off' as const }]]) });
    expect(formsOf(await candidatesOf(asked))).toEqual(new Set(['off']));
  });

  it('are quantized as they were measured, segments included', async () => {
    const request = await requestOf();
    const units = await measureCandidates(request);
    const seen: string[] = [];
    const { chosen } = await searchGlobally(units, { floatScore: 1, maxDrop: 1 }, async (layers) => {
      const { graph } = await quantizeCalibrated(request.statistics, { ...request.options, layers });
      const node = graph.nodes[1]!;
      seen.push(node.op.kind);
      const asked = [...layers.values()][1]!;
      expect(node.op.kind).toBe(asked.winograd === undefined ? 'conv2d' : 'winograd');
      if (node.op.kind === 'winograd') {
        expect(node.op.integer?.accumulator.segments).toHaveLength(Number(asked.segments));
      }
      return { instructions: predictInstructions(graph, armv8a), score: 1 };
    });
    expect(new Set(seen)).toEqual(new Set(['conv2d', 'winograd']));
    // Nothing is lost at all, so that the fewest instructions win.
    expect([...chosen.layers.values()][1]).toMatchObject({ winograd: 'f4', bits: 8 });
  });
});
