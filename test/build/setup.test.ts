import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { withTempDir } from '../../src/build/temp.ts';
import { fakeProgram } from './fakes.ts';

const setup = resolve(import.meta.dirname, '../../toolchain/setup.sh');
const basics = ['sh', 'sed', 'tr', 'uname', 'find', 'dirname', 'mkdir', 'env', 'rm', 'mv', 'cat', 'grep', 'node'];

/** Runs the set-up script on a machine with these programs and the shell's usual ones, but no compilers. */
async function runSetup(programs: Readonly<Record<string, string>>, args: readonly string[] = []) {
  return withTempDir(async (dir) => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    const { stdout } = await execa('sh', ['-c', `for t in ${basics.join(' ')}; do command -v "$t"; done`]);
    for (const path of stdout.split('\n')) await symlink(path, join(bin, path.slice(path.lastIndexOf('/') + 1)));
    for (const [name, body] of Object.entries(programs)) await fakeProgram(join(bin, name), body);
    // A tree of its own: the repository's npm packages and QEMU plugin are not what is tested.
    const script = join(dir, 'toolchain/setup.sh');
    await mkdir(join(dir, 'toolchain'));
    await copyFile(setup, script);
    const options = { env: { PATH: bin, BIN: bin }, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    return execa('sh', [script, ...args], options);
  });
}

const packages = 'gcc libc6-dev clang qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross';
const user = { id: 'echo 1000', uname: 'echo x86_64' };

test('without root and sudo it prints the command to run and exits with 3', async () => {
  const result = await runSetup({ ...user, 'apt-get': 'exit 1' });
  expect(result.exitCode).toBe(3);
  expect(result.stdout).toBe('');
  expect(result.stderr).toBe(
    `setup: these are missing: ${packages}\n` +
      `setup: run as root: apt-get update && apt-get install -y --no-install-recommends ${packages}`,
  );
});

test('sudo that wants a password is not called where nobody can type one', async () => {
  const result = await runSetup({ ...user, 'apt-get': 'exit 1', sudo: '[ "$1" = -n ] && exit 1; echo asked >&2' });
  expect(result.exitCode).toBe(3);
  expect(result.stderr).not.toContain('asked');
});

test('without apt-get it names the packages', async () => {
  const result = await runSetup(user);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain(packages);
  expect(result.stderr).toContain("install them with this system's package manager");
});

test('with sudo it updates the package lists only when the first installation fails', async () => {
  // "Installs" by making the programs; libraries are then found in the first file that there is.
  const aptGet = `echo "$*" >&2
case "$*" in
update*) : > "$BIN/updated"; exit 0 ;;
esac
[ -e "$BIN/updated" ] || exit 100
for t in gcc clang qemu-aarch64 aarch64-linux-gnu-gcc; do
  printf '#!/bin/sh\\necho "$0"\\n' > "$BIN/$t"; chmod +x "$BIN/$t"
done`;
  const chmod = 'exec /bin/chmod "$@"';
  const sudo = '[ "$1" = -n ] && exit 0; exec "$@"';
  const result = await runSetup({ ...user, sudo, chmod, 'apt-get': aptGet });
  const install = `install -y -q --no-install-recommends ${packages}`;
  expect(result.stderr.split('\n').slice(0, 4)).toEqual([
    `setup: installing ${packages}`,
    install,
    'update -q',
    install,
  ]);
  expect(result.exitCode).toBe(0);
});

test('--armv7 asks for the 32-bit compiler and its C library too', async () => {
  const result = await runSetup(user, ['--armv7']);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain(`${packages} gcc-arm-linux-gnueabihf libc6-dev-armhf-cross`);
});

test('--check installs nothing', async () => {
  const result = await runSetup({ ...user, id: 'echo 0', 'apt-get': 'echo called >&2' }, ['--check']);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).not.toContain('called');
});

test('an unknown option is refused', async () => {
  const result = await runSetup({}, ['--everything']);
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('usage: sh toolchain/setup.sh [--armv7 | --all] [--check]');
});
