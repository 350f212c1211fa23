import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layerGraph } from '../../bench/graphs.ts';
import { readSpecification } from '../../bench/specification.ts';
import { writeCounted } from '../../src/bench/baseline-bundle.ts';
import { countInstructions } from '../../src/bench/count.ts';
import { benchToolchains } from '../../src/bench/toolchains.ts';
import { canCountInstructions } from '../../src/build/plugin.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';

/** The tallest plane that is counted: what a tile costs does not depend on how many there are. */
const tallest = 8;

// Debian 13's QEMU has no plugins.
test.skipIf(!(await canCountInstructions()))('cost models predict what gcc’s code executes within 10 %', () =>
  withTempDir(async (work) => {
    const layers = readSpecification().layers.map((layer) => {
      const [height, width, channels] = layer.input;
      return { ...layer, input: [Math.min(height, tallest), width, channels] as typeof layer.input };
    });
    const graph = layerGraph(layers, armv8a);
    const plan = planMemory(graph, selectKernels(graph, armv8a));
    const dir = join(work, 'layers');
    const program = await writeCounted(dir, { graph, plan, target: armv8a, prefix: 'layers' });
    const [gcc] = await benchToolchains(armv8a, '-O2');
    const { steps } = await countInstructions(dir, program, gcc!);
    const wrong = plan.steps.flatMap((step, i) => {
      if (step.kind !== 'layer') return [];
      const ratio = step.kernel.cost(step.node, graph, armv8a).instructions / steps[i]!.instructions;
      return ratio > 0.9 && ratio < 1.1 ? [] : [`${step.node.origin.name}: ${ratio.toFixed(3)}`];
    });
    expect(wrong).toEqual([]);
    expect(plan.steps.filter(({ kind }) => kind === 'layer').length).toBeGreaterThan(30);
  }),
);
