import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { execute } from '../../src/build/execute.ts';
import { loadDataset } from '../../src/data/load.ts';
import { findRecipe } from '../../src/data/recipe.ts';
import { neonarrow, ownFolder } from '../cli/command-line.ts';

/** A user's CMake program with two models (`examples/two-models-cmake`), for each of the toolchain files. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = ownFolder();

beforeAll(async () => {
  await cp(join(root, 'generated/digits'), join(folder, 'bundles/digits'), { recursive: true });
  const model = join(root, 'examples/digits-a2q/digits-a2q-12bit.onnx');
  const out = join(folder, 'bundles/digits_a2q');
  const seen = await neonarrow('compile', model, '--name', 'digits_a2q', '--out', out, '--quiet');
  expect(seen.exitCode, seen.stderr).toBe(0);
});

const cmake = async (...args: string[]): Promise<void> => {
  const outcome = await execute({ command: 'cmake', args, timeoutMs: 300_000 });
  expect(outcome.exitCode, outcome.stderr).toBe(0);
};

test.each([
  ['aarch64-linux-gnu-gcc', 'qemu-aarch64'],
  ['aarch64-linux-gnu-clang', 'qemu-aarch64'],
  ['arm-linux-gnueabihf-gcc', 'qemu-arm'],
])('two models in one program: %s', async (toolchain, qemu) => {
  const build = join(folder, toolchain);
  const file = join(root, 'toolchain/cmake', `${toolchain}.cmake`);
  const source = join(root, 'examples/two-models-cmake');
  await cmake('-S', source, '-B', build, `-DCMAKE_TOOLCHAIN_FILE=${file}`, `-DBUNDLES=${join(folder, 'bundles')}`);
  await cmake('--build', build, '--parallel', '2');
  const example = join(root, 'examples/digits');
  const recipe = await findRecipe(join(example, 'digits.onnx'), undefined);
  const input = { shape: [1, 1, 28, 28], layout: 'NCHW' } as const;
  const digits = await loadDataset(join(example, 'evaluation.npz'), input, recipe);
  let right = 0;
  for (let i = 0; i < 10; i++) {
    const stdin = digits.pixels!(i);
    const run = await execute({ command: qemu, args: [join(build, 'two_models')], stdin, timeoutMs: 60_000 });
    expect(run.exitCode, run.stderr).toBe(0);
    const label = digits.labels![i];
    right += new TextDecoder().decode(run.stdout) === `${label} ${label}\n` ? 1 : 0;
  }
  expect(right).toBeGreaterThanOrEqual(9);
});

test('a bundle is installed, found as a library, and runs its vectors with ctest', async () => {
  const build = join(folder, 'alone');
  const file = join(root, 'toolchain/cmake/aarch64-linux-gnu-gcc.cmake');
  const bundle = join(folder, 'bundles/digits');
  const prefix = join(folder, 'installed');
  await cmake('-S', bundle, '-B', build, `-DCMAKE_TOOLCHAIN_FILE=${file}`, `-DCMAKE_INSTALL_PREFIX=${prefix}`);
  await cmake('--build', build, '--target', 'install');
  const check = await execute({ command: 'ctest', args: ['--test-dir', build, '-V'], timeoutMs: 120_000 });
  expect(new TextDecoder().decode(check.stdout)).toMatch(/vectors 4 bytes \d+ mismatches 0[\s\S]*100% tests passed/);
  const user = join(folder, 'user');
  const found = `-Ddigits_DIR=${join(prefix, 'lib/cmake/digits')}`;
  await cmake('-S', join(root, 'test/examples/installed'), '-B', user, `-DCMAKE_TOOLCHAIN_FILE=${file}`, found);
  await cmake('--build', user);
});
