import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // Seconds, no toolchain.
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.toolchain.test.ts'],
          testTimeout: 60_000,
        },
      },
      // Needs the cross compilers and QEMU.
      {
        test: {
          name: 'toolchain',
          include: ['test/**/*.toolchain.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
