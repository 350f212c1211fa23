import type { Target } from './target.ts';

/** What the 64-bit targets have in common, but for their instructions. */
export const aarch64 = {
  vectorRegisters: 32,
  triple: 'aarch64-linux-gnu',
  qemu: 'qemu-aarch64',
} as const satisfies Partial<Target>;

/** The flags of both compilers; clang compiles for any processor, and is told for which. */
export function aarch64Flags(...flags: readonly string[]): Target['cflags'] {
  return (compiler) => (compiler === 'clang' ? ['--target=aarch64-linux-gnu', ...flags] : flags);
}
