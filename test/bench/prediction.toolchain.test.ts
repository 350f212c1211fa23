import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layerGraph, networkGraph } from '../../bench/graphs.ts';
import { readSpecification } from '../../bench/specification.ts';
import { writeCounted } from '../../src/bench/baseline-bundle.ts';
import { countInstructions } from '../../src/bench/count.ts';
import { benchToolchains } from '../../src/bench/toolchains.ts';
import { withTempDir } from '../../src/build/temp.ts';
import type { Graph } from '../../src/graph/types.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { randomCarries } from '../helpers/carries.ts';
import { countsInstructions } from '../helpers/instructions.ts';
import { narrowGrid, QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';

/** The tallest plane that is counted: what a tile costs does not depend on how many there are. */
const tallest = 8;
/** What a function takes once, whatever its size, is not predicted to the instruction. */
const once = 60;

// Debian 13's QEMU has no plugins.
const counted = test.skipIf(!countsInstructions);

counted('cost models predict what gcc’s code executes within 10 %: single layers', async () => {
  const layers = readSpecification().layers.map((layer) => {
    const [height, width, channels] = layer.input;
    return { ...layer, input: [Math.min(height, tallest), width, channels] as typeof layer.input };
  });
  const { wrong, layers: count } = await mispredicted(layerGraph(layers, armv8a));
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(30);
});

counted.for(['small-kernels', 'resnet-8'])(
  '… and those of %s: pools, tables, additions, first layers',
  async (name) => {
    const spec = readSpecification().networks.find((network) => network.name === name);
    if (spec === undefined || !('layers' in spec)) throw new Error(`no seeded network ${name}`);
    const { wrong, layers } = await mispredicted(networkGraph(spec));
    expect(wrong).toEqual([]);
    expect(layers).toBe(spec.layers.length);
  },
);

counted('… and those of error diffusion, by rows and by pixels, to other channels, and with sums', async () => {
  const b = new QuantizedGraphBuilder('diffusions');
  for (const [width, channels, steps, shift, sum] of [
    [16, 96, 7],
    [8, 192, 12],
    [8, 20, 3],
    [16, 8, 7],
    [16, 96, 7, 5],
    [4, 192, 12, 6],
    [8, 40, 7, 6],
    // Sums that no pixel exceeds: few are to.
    [8, 8, 7, undefined, 56],
    [8, 40, 7, undefined, 280],
    [8, 96, 7, undefined, 672],
    [8, 40, 7, 6, 280],
    [4, 96, 7, 6, 672],
  ] as const) {
    const narrow = narrowGrid(steps);
    const carries = shift && { carries: randomCarries(channels, shift) };
    const op = { kind: 'diffuse', ...carries, ...(sum && { pixelSum: sum }) } as const;
    b.output(b.node(op, [b.input([1, tallest, width, channels], wideGrid(narrow))], narrow));
  }
  expect(await mispredicted(b.build())).toEqual({ wrong: [], layers: 12 });
});

/** The layers whose cost is off, and how many there are. */
function mispredicted(graph: Graph): Promise<{ wrong: string[]; layers: number }> {
  return withTempDir(async (work) => {
    const plan = planMemory(graph, selectKernels(graph, armv8a));
    const dir = join(work, 'program');
    const program = await writeCounted(dir, { graph, plan, target: armv8a, prefix: 'network' });
    const [gcc] = await benchToolchains(armv8a, '-O2');
    const { steps } = await countInstructions(dir, program, gcc!);
    const wrong = plan.steps.flatMap((step, i) => {
      if (step.kind !== 'layer') return [];
      const predicted = step.kernel.cost(step.node, graph, armv8a).instructions;
      const { instructions } = steps[i]!;
      const isNear = Math.abs(predicted - instructions) <= Math.max(0.1 * instructions, once);
      return isNear ? [] : [`${step.node.origin.name}: ${Math.round(predicted)}, counted ${instructions}`];
    });
    return { wrong, layers: plan.steps.filter(({ kind }) => kind === 'layer').length };
  });
}
