import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchProgram, bestRun } from '../../src/bench/bench.ts';
import { benchToolchains } from '../../src/bench/toolchains.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { lookForTool } from '../../src/build/tools.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import { countsInstructions } from '../helpers/instructions.ts';
import { writeTestBundle } from '../verify/bundle.ts';
import { smallNetwork } from '../verify/network.ts';

describe('bench', () => {
  it.runIf(countsInstructions)('measures every layer by both compilers, baselines next to them', () =>
    withTempDir(async (work) => {
      const dir = join(work, 'small');
      const program = await writeTestBundle(dir, smallNetwork());
      const result = await benchProgram(dir, program, { baselines: ['widen', 'pairs'] });
      expect(result.runs.map(({ variant, compiler }) => `${variant} ${compiler.split(' ')[0]}`)).toEqual([
        'neonarrow gcc',
        'neonarrow clang',
        'widen gcc',
        'widen clang',
        'pairs gcc',
        'pairs clang',
      ]);
      for (const { variant, layers } of result.runs) {
        const kernels = layers.flatMap((layer) => (layer.macs > 0 ? layer.kernel : []));
        expect(kernels).toHaveLength(2);
        for (const kernel of kernels) expect(kernel.startsWith('baseline-')).toBe(variant !== 'neonarrow');
      }
      expect(bestRun(result, 'widen').total.instructions).toBeGreaterThan(bestRun(result).total.instructions);
      const modelled = (await lookForTool('llvm-mca')) !== undefined;
      for (const layer of bestRun(result).layers.filter(({ macs }) => macs > 0)) {
        expect(layer.predicted).toBeGreaterThan(0);
        if (modelled) expect(layer.cyclesPerMac?.['cortex-a72']).toBeGreaterThanOrEqual(0.12);
        else expect(layer.cyclesPerMac).toBeUndefined();
      }
      expect(result.notes).toHaveLength(modelled ? 0 : 1);
    }),
  );

  it('says how to get a QEMU that counts where there is none', async () => {
    const missing = benchToolchains(armv8a, '-O2', { PATH: '/nowhere' });
    await expect(missing).rejects.toMatchObject({ kind: 'missing-tool' });
    const native = benchToolchains(portable, '-O2');
    await expect(native).rejects.toMatchObject({ kind: 'reject', code: 'no-counting' });
  });
});
