import { dotKernels } from './dot/kernel.ts';

/**
 * `vmmlaq_s32`: two pixels by two channels, eight products of each, 32 an instruction, into 32-bit sums by hardware. Weights
 * are packed as it takes them; the bytes of two pixels are put together by a zip for every eight products.
 */
export const { conv: convI8mm, fullyConnected: fullyConnectedI8mm } = dotKernels({
  name: 'conv-i8mm',
  summary: 'products of 2x8 by 8x2 bytes, summed in 32 bits by hardware',
  feature: 'i8mm',
  groupBytes: 8,
});
