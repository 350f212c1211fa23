import type { Target } from './target.ts';

/** What the 64-bit targets have in common, but for their instructions. */
export const aarch64 = {
  vectorRegisters: 32,
  triple: 'aarch64-linux-gnu',
  qemu: 'qemu-aarch64',
} as const satisfies Partial<Target>;

/**
 * The flags of each compiler; clang compiles for any processor, and is told for which.
 * @param arch as gcc and clang call the processor, e.g. `-march=armv8-a`
 * @param zigCpu as zig does
 */
export function aarch64Flags(arch: string, zigCpu: string): Target['cflags'] {
  return (compiler) => {
    switch (compiler) {
      case 'gcc':
        return [arch];
      case 'clang':
        return ['--target=aarch64-linux-gnu', arch];
      case 'zig':
        return ['-target', 'aarch64-linux-musl', `-mcpu=${zigCpu}`];
    }
  };
}
