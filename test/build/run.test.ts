import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Run, runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { findTool } from '../../src/build/tools.ts';
import { exitCodeOf } from '../../src/core/diagnostics.ts';
import { errorOf, fakePath, fakeProgram } from './fakes.ts';

/** Runs a shell script as if it were the compiled program. */
async function runNative(body: string, more: Partial<Run> = {}) {
  return withTempDir(async (dir) =>
    runProgram({ runner: { kind: 'native' }, program: await fakeProgram(join(dir, 'program'), body), ...more }),
  );
}

/** Runs a program under a fake emulator, a shell script that gets QEMU's command line. */
async function runUnderFake(body: string, more: Partial<Run> = {}) {
  return withTempDir(async (dir) => {
    const version = 'case "$*" in *--version*) echo "qemu-aarch64 version 7.2.22"; exit 0 ;; esac';
    const env = await fakePath(dir, { 'qemu-aarch64': `${version}\n${body}` });
    const tool = await findTool('qemu-aarch64', env);
    const runner = { kind: 'qemu', tool, cpu: 'cortex-a53', sysroot: '/usr/aarch64-linux-gnu' } as const;
    return runProgram({ runner, program: join(dir, 'program'), ...more });
  });
}

test('output, standard input, arguments and the exit code come through', async () => {
  const result = await runNative('cat; echo "$1" >&2; exit 7', { stdin: Uint8Array.of(0, 255, 10), args: ['a b'] });
  expect(result).toMatchObject({ exitCode: 7, stdout: Uint8Array.of(0, 255, 10), stderr: 'a b\n' });
});

test('the emulator gets the CPU model and the sysroot', async () => {
  const result = await runUnderFake('echo "$1 $2 $3 $4 $6"', { args: ['vectors.bin'] });
  expect(new TextDecoder().decode(result.stdout)).toBe('-cpu cortex-a53 -L /usr/aarch64-linux-gnu vectors.bin\n');
});

test('a crash is an error with the signal; exit code 1', async () => {
  const error = await errorOf(
    runUnderFake('echo "qemu: uncaught target signal 11 (Segmentation fault)" >&2; kill -SEGV $$'),
  );
  expect(exitCodeOf(error)).toBe(1);
  expect(error).toMatchObject({
    code: 'emulator-crashed',
    message: 'the program was ended by signal SIGSEGV under qemu-aarch64 -cpu cortex-a53',
  });
  expect(error.details?.slice(1)).toEqual([
    'qemu: uncaught target signal 11 (Segmentation fault)',
    'cause: it was ended by signal SIGSEGV',
  ]);
});

test('an illegal instruction says that the CPU lacks it', async () => {
  const error = await errorOf(runNative('kill -ILL $$'));
  expect(error.message).toBe('the program executed an instruction that the CPU does not have (SIGILL) on this machine');
});

test('a program that does not end is stopped', async () => {
  const error = await errorOf(runNative('while :; do :; done', { timeoutMs: 200 }));
  expect(error).toMatchObject({ code: 'run-timeout', message: 'the program did not end in time on this machine' });
});

test('an emulator that gives up is no result of the program', async () => {
  const error = await errorOf(runUnderFake(`echo "qemu-aarch64: unable to find CPU model 'x'" >&2; exit 1`));
  expect(error.code).toBe('emulator-failed');
  expect(error.details).toContain("qemu-aarch64: unable to find CPU model 'x'");
});

test('the plugin is loaded with its arguments, and its counts are read', async () => {
  const plugin = { library: '/p/a,b.so', args: { symbols: 'on' } };
  const result = await runUnderFake(
    `shift 4; echo "$1 $2"; printf 'instructions 12\\nload 3\\nsymbol f 5\\n' > "\${2##*out=}"`,
    { plugin },
  );
  expect(new TextDecoder().decode(result.stdout)).toMatch(/^-plugin file=\/p\/a,,b\.so,symbols=on,out=\S+\n$/);
  const counts = { instructions: 12, classes: new Map([['load', 3]]), symbols: new Map([['f', 5]]) };
  expect(result.counts).toEqual(counts);
});

test('an emulator without plugins says so', async () => {
  const error = await errorOf(runUnderFake(`echo "qemu: unknown option 'plugin'" >&2; exit 1`, { plugin: {} }));
  expect(error.code).toBe('plugin-failed');
  expect(error.hint).toContain('QEMU must have plugins');
});

test('a plugin that counts nothing is an error', async () => {
  const error = await errorOf(runUnderFake('echo "count: no" >&2; exit 0', { plugin: {} }));
  expect(error).toMatchObject({ code: 'plugin-failed', message: 'the QEMU plugin counted no instructions' });
  expect(error.details).toEqual(['count: no']);
});

test('no more programs run at a time than there are cores, and all of them end', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => runNative(`exit ${i}`)));
  expect(results.map((result) => result.exitCode)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
