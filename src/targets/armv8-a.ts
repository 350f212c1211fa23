import type { Target } from './target.ts';

/** Any 64-bit Arm core: Armv8.0-A, whose NEON has no dot product, so that 16-bit accumulators pay most. */
export const armv8a: Target = {
  name: 'armv8-a',
  description: 'any AArch64 core with NEON (Cortex-A35, A53, A57, A72, …)',
  features: ['neon'],
  vectorRegisters: 32,
  // As on Cortex-A53; out-of-order cores of the time are no faster with bytes, nor slower.
  byteMultiplySlots: 1,
  triple: 'aarch64-linux-gnu',
  cflags: (compiler) => (compiler === 'clang' ? ['--target=aarch64-linux-gnu', '-march=armv8-a'] : ['-march=armv8-a']),
  qemu: 'qemu-aarch64',
  // The oldest core still sold, in order and without extensions, and one which has every extension that QEMU knows.
  cpus: ['cortex-a53', 'max'],
};
