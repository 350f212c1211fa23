import type { Kernel } from './kernel.ts';

/** Every kernel. Of several that cost the same, the first is taken. */
export const kernels: readonly Kernel[] = [];
