import type { Target } from './target.ts';

/** C11 without intrinsics, for unit tests on a developer's machine: compiled by the host's compiler, under sanitizers. */
export const portable: Target = {
  name: 'portable',
  description: 'portable C11 without intrinsics, for tests on the host',
  features: [],
  vectorRegisters: 0,
  byteMultiplySlots: 1,
  triple: 'host',
  cflags: () => [],
  cpus: [],
};
