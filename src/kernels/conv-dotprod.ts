import { dotKernels } from './dot/kernel.ts';

/**
 * `vdotq_s32` by a lane: four products of a channel added to its 32-bit sum, four channels an instruction, so that nothing
 * is left to reduce at the end. The accumulators are 32 bits wide by hardware; whatever narrower ones the network was
 * quantized for, the sums are the same.
 */
export const { conv: convDotprod, fullyConnected: fullyConnectedDotprod } = dotKernels({
  name: 'conv-dotprod',
  summary: 'dot products of 4 bytes, summed in 32 bits by hardware',
  feature: 'dotprod',
  groupBytes: 4,
});
