import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileProgram } from '../../src/build/compile.ts';
import { runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { loadDataset } from '../../src/data/load.ts';
import { findRecipe } from '../../src/data/recipe.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The C example of the README, with the committed bundle, under QEMU, on the digits that the network has never seen. */
test('the README’s C program reads digits', async () => {
  const [, program] = /```c\n(.*?)```/s.exec(await readFile(join(root, 'README.md'), 'utf8')) ?? [];
  const bundle = join(root, 'generated', 'digits');
  const example = join(root, 'examples', 'digits');
  const recipe = await findRecipe(join(example, 'digits.onnx'), undefined);
  const input = { shape: [1, 1, 28, 28], layout: 'NCHW' } as const;
  const digits = await loadDataset(join(example, 'evaluation.npz'), input, recipe);
  const { compiler, runners } = (await verifyToolchains(armv8a))[0]!;
  await withTempDir(async (outDir) => {
    const main = join(outDir, 'main.c');
    await writeFile(main, program!);
    const path = await compileProgram(
      {
        compiler,
        optimization: '-O3',
        sources: [main, join(bundle, 'src', 'digits.c'), join(bundle, 'src', 'digits_weights.c')],
        includeDirs: [join(bundle, 'include')],
        outDir,
      },
      'digits',
    );
    let right = 0;
    for (let i = 0; i < 20; i++) {
      const { stdout, exitCode } = await runProgram({ runner: runners[0]!, program: path, stdin: digits.pixels!(i) });
      expect(exitCode).toBe(0);
      if (new TextDecoder().decode(stdout) === `${digits.labels![i]}\n`) right++;
    }
    expect(right).toBeGreaterThanOrEqual(19);
  });
});
