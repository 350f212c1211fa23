import { aarch64, aarch64Flags } from './aarch64.ts';
import type { Target } from './target.ts';

/** `vdotq_s32`: four products a lane into 32 bits, 16 an instruction. */
export const armv82Dotprod: Target = {
  ...aarch64,
  name: 'armv8.2-dotprod',
  description: 'AArch64 with dot product (Cortex-A55, A75, A76, Neoverse N1, …): sums in 32 bits by hardware',
  features: ['neon', 'dotprod'],
  byteMultiplySlots: 1,
  cflags: aarch64Flags('-march=armv8.2-a+dotprod', 'generic+v8_2a+dotprod'),
  cpus: ['cortex-a76', 'max'],
};
