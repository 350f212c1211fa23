import { aarch64, aarch64Flags } from './aarch64.ts';
import type { Target } from './target.ts';

/** Any 64-bit Arm core: Armv8.0-A, whose NEON has no dot product, so that 16-bit accumulators pay most. */
export const armv8a: Target = {
  ...aarch64,
  name: 'armv8-a',
  description: 'any AArch64 core with NEON (Cortex-A35, A53, A57, A72, …)',
  features: ['neon'],
  // As on Cortex-A53; where it takes two, 8-bit accumulators are no slower than 16-bit ones.
  byteMultiplySlots: 1,
  cflags: aarch64Flags('-march=armv8-a', 'generic'),
  // The oldest core still sold, in order and without extensions, and one which has every extension that QEMU knows.
  cpus: ['cortex-a53', 'max'],
};
