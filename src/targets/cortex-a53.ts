import { aarch64, aarch64Flags } from './aarch64.ts';
import type { Target } from './target.ts';

/** In order, two instructions a cycle; a multiplication of 16 bytes takes no longer than one of 8. */
export const cortexA53: Target = {
  ...aarch64,
  name: 'cortex-a53',
  description: 'Cortex-A53, and A35: as armv8-a, compiled for its pipeline',
  features: ['neon'],
  byteMultiplySlots: 1,
  cflags: aarch64Flags('-mcpu=cortex-a53', 'cortex_a53'),
  cpus: ['cortex-a53'],
};
