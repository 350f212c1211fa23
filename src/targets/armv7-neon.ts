import type { Target } from './target.ts';

/**
 * 32-bit cores with NEON: 16 vector registers, `vmlal_s8` and `vpadal` as on AArch64. Without VFPv4, which Cortex-A8 and A9
 * do not have.
 */
export const armv7Neon: Target = {
  name: 'armv7-neon',
  description: '32-bit Armv7-A with NEON (Cortex-A7, A8, A9, A15, …)',
  features: ['neon'],
  vectorRegisters: 16,
  byteMultiplySlots: 2,
  triple: 'arm-linux-gnueabihf',
  cflags: (compiler) => [
    ...(compiler === 'clang' ? ['--target=arm-linux-gnueabihf'] : []),
    '-march=armv7-a',
    '-mfpu=neon',
    '-mfloat-abi=hard',
  ],
  qemu: 'qemu-arm',
  cpus: ['cortex-a9', 'cortex-a15'],
};
