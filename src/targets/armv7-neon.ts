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
  cflags: (compiler) => {
    const arch = ['-march=armv7-a', '-mfpu=neon', '-mfloat-abi=hard'];
    switch (compiler) {
      case 'gcc':
        return arch;
      case 'clang':
        return ['--target=arm-linux-gnueabihf', ...arch];
      case 'zig':
        return ['-target', 'arm-linux-musleabihf', '-mcpu=generic+v7a+neon'];
    }
  },
  qemu: 'qemu-arm',
  cpus: ['cortex-a9', 'cortex-a15'],
};
