import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countInstructions } from '../../src/bench/count.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { countsInstructions } from '../helpers/instructions.ts';
import { writeTestBundle } from '../verify/bundle.ts';
import { smallNetwork } from '../verify/network.ts';

// Debian 13's QEMU has no plugins.
test.skipIf(!countsInstructions)('instructions are counted by step, the same each time', () =>
  withTempDir(async (work) => {
    const dir = join(work, 'small');
    const program = await writeTestBundle(dir, smallNetwork());
    const toolchain = (await verifyToolchains(armv8a))[0]!;
    const result = await countInstructions(dir, program, toolchain);
    expect(await countInstructions(dir, program, toolchain)).toEqual(result);
    expect([result.opt, result.cpu]).toEqual(['-O2', 'cortex-a53']);
    expect(result.steps.map(({ name, macs }) => [name, macs])).toEqual([
      ['x', 0],
      ['conv1', 36 * 16 * 27],
      ['conv2', 36 * 8 * 144],
      ['tanh', 0],
      ['y', 0],
    ]);
    for (const { instructions, mix, macs, instructionsPerMac } of [...result.steps, result.total]) {
      expect(instructions).toBeGreaterThan(0);
      expect(Object.values(mix).reduce((a, b) => a + b)).toBe(instructions);
      expect(instructionsPerMac).toBe(macs === 0 ? undefined : instructions / macs);
    }
    // What the network costs beyond its steps are borders and calls.
    const sum = result.steps.reduce((total, step) => total + step.instructions, 0);
    expect(Math.abs(result.total.instructions - sum)).toBeLessThan(0.1 * sum);
    // One instruction multiplies 8 bytes at most.
    expect(result.steps[2]!.mix['multiply']).toBeGreaterThanOrEqual((36 * 8 * 144) / 8);
  }),
);
