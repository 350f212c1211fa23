import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { fakeProgram } from '../build/fakes.ts';
import { neonarrow, ownFolder, refusal } from './command-line.ts';

/** On a machine that has docker and nothing else. */

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await ownFolder());
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await fakeProgram(join(bin, 'docker'), `[ "$1" = info ] && exit 0\nprintf '%s\\n' "$@" > ${folder}/said\nexit 7`);
  await fakeProgram(join(bin, 'sh'), 'exec /bin/sh "$@"');
});
afterAll(() => remove());
afterEach(() => vi.unstubAllEnvs());

test('a command runs in the image, with the current folder as its data', async () => {
  vi.stubEnv('PATH', join(folder, 'bin'));
  vi.stubEnv('NEONARROW_IMAGE', 'registry/neonarrow:1');
  const seen = await neonarrow('verify', `${process.cwd()}/generated/digits`, '--in-docker', '--json');
  expect(seen.exitCode).toBe(7);
  const said = (await readFile(join(folder, 'said'), 'utf8')).trimEnd().split('\n');
  const user = `${process.getuid?.()}:${process.getgid?.()}`;
  expect(said).toEqual(
    ['run', '--rm', '--user', user, '-v', `${process.cwd()}:/data`].concat([
      ...['registry/neonarrow:1', 'verify', 'generated/digits', '--json'],
    ]),
  );
});

test('files that the container would not see are refused', async () => {
  vi.stubEnv('PATH', join(folder, 'bin'));
  const words = ['build', 'a.onnx', '--calibrate', 'cifar10:/elsewhere/data.bin', '--in-docker'];
  expect(await refusal(2, folder, ...words)).toContain('error[outside-folder]: "/elsewhere/data.bin" is outside');
});

test('without an engine it says so', async () => {
  vi.stubEnv('PATH', join(folder, 'empty'));
  expect(await refusal(3, folder, 'verify', 'a', '--in-docker')).toContain('neither docker nor podman works here');
});
