import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { neonarrow } from './command-line.ts';
import { ownRefusals } from './refusals.ts';

const { folder, tiny, out, refuses, nothingIsLeft } = ownRefusals();

describe('a missing tool: exit code 3', () => {
  const words = (): string[] => ['build', tiny.model, '--calibrate', tiny.pixels, '--out', out];

  test.each([
    ['NEONARROW_CC', 'cross-gcc', 'gcc-aarch64-linux-gnu'],
    ['NEONARROW_CLANG', 'cross-clang', 'clang'],
    ['NEONARROW_HOST_CC', 'host-cc', 'gcc'],
    ['NEONARROW_QEMU', 'qemu-aarch64', 'qemu-user'],
  ])('%s names none', async (variable, id, debianPackage) => {
    // Present, so that only the one under test is missing on a machine without compilers.
    for (const other of ['NEONARROW_CC', 'NEONARROW_CLANG', 'NEONARROW_HOST_CC', 'NEONARROW_QEMU']) {
      vi.stubEnv(other, other === variable ? '/nowhere/tool' : '/bin/true');
    }
    try {
      const message = await refuses(3, ...words());
      expect(message).toContain(`error[missing-tool]: ${variable} names "/nowhere/tool", which is not a program`);
      expect(message).toContain(`\n  at ${id} (build, verify`);
      expect(message).toMatch(new RegExp(`\\n {2}hint: run "sh .*setup\\.sh" or "apt-get install ${debianPackage}`));
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('an empty PATH', async () => {
    vi.stubEnv('PATH', join(folder, 'empty'));
    try {
      const message = await refuses(3, ...words());
      expect(message).toMatch(/^error\[missing-tool\]: \S+ is not installed \(not found on PATH\)\n {2}at /);
      expect(await neonarrow('doctor', '--json')).toMatchObject({ exitCode: 3 });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

test('nothing is left behind after all these', nothingIsLeft);
