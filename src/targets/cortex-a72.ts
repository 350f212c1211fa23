import { aarch64, aarch64Flags } from './aarch64.ts';
import type { Target } from './target.ts';

/**
 * Out of order. `mla v.16b` takes its multiplier two cycles, `smlal` one: both make 8 products a cycle (LLVM's model of
 * Cortex-A57 and A72), so 8-bit accumulators are not worth their bits.
 */
export const cortexA72: Target = {
  ...aarch64,
  name: 'cortex-a72',
  description: 'Cortex-A72, and A57: as armv8-a, compiled for its pipeline',
  features: ['neon'],
  byteMultiplySlots: 2,
  cflags: aarch64Flags('-mcpu=cortex-a72', 'cortex_a72'),
  cpus: ['cortex-a72'],
};
