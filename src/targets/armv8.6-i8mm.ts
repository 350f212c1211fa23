import { aarch64, aarch64Flags } from './aarch64.ts';
import type { Target } from './target.ts';

/** `vmmlaq_s32`: 2×8 by 8×2 products into 32 bits, 32 an instruction. */
export const armv86I8mm: Target = {
  ...aarch64,
  name: 'armv8.6-i8mm',
  description: 'AArch64 with int8 matrix products (Cortex-A510, A710, X2, …): sums in 32 bits by hardware',
  features: ['neon', 'dotprod', 'i8mm'],
  byteMultiplySlots: 1,
  // All that is needed of Armv8.6-A, so that Armv9.0 cores which have no more are served too.
  cflags: aarch64Flags('-march=armv8.2-a+dotprod+i8mm', 'generic+v8_2a+dotprod+i8mm'),
  cpus: ['max'],
};
