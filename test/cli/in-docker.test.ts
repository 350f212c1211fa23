import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeProgram } from '../build/fakes.ts';
import { neonarrow, ownFolder, refusal } from './command-line.ts';

/** On a machine that has an engine for containers and no compilers. */

const folder = ownFolder();
const bin = join(folder, 'bin');
beforeEach(async () => {
  await rm(join(folder, 'said'), { force: true });
  await rm(bin, { recursive: true, force: true });
  await mkdir(bin);
  await fakeProgram(join(bin, 'sh'), 'exec /bin/sh "$@"');
  vi.stubEnv('PATH', bin);
  vi.stubEnv('NEONARROW_IMAGE', 'registry/neonarrow:1');
  vi.stubEnv('STORAGE_DRIVER', undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** Works, says of itself what `info` is asked for, writes down its words, one a line, and ends with 7 what it runs. */
async function fakeEngine(name: string, rootless = 'false', images = 'exit 0'): Promise<void> {
  await fakeProgram(
    join(bin, name),
    `case $1 in
info) printf '%s' '${rootless}'; exit 0 ;;
inspect) ${images} ;;
esac
printf '%s ' "$@" >> ${folder}/said
echo >> ${folder}/said
[ "$1" = run ] && exit 7
exit 0`,
  );
}

const said = async () => (await readFile(join(folder, 'said'), 'utf8')).trimEnd().replaceAll(' \n', '\n').split('\n');
const self = `${process.getuid?.()}:${process.getgid?.()}`;
const verify = () => neonarrow('verify', `${process.cwd()}/generated/digits`, '--in-docker', '--json');
const data = `-v ${process.cwd()}:/data`;
const command = 'verify generated/digits --json';

test.each(['docker', 'podman'])(
  '%s runs a command in the image, with the current folder as its data',
  async (engine) => {
    await fakeEngine(engine);
    expect((await verify()).exitCode).toBe(7);
    expect(await said()).toEqual([`run --rm --user ${self} ${data} registry/neonarrow:1 ${command}`]);
  },
);

test('buildah does so in a container that is gone afterwards', async () => {
  await fakeEngine('buildah');
  expect((await verify()).exitCode).toBe(7);
  const [from = '', run, removed, ...more] = await said();
  const [, name] = /^from --name (neonarrow-[0-9a-f-]{36}) registry\/neonarrow:1$/.exec(from) ?? [];
  expect(name).toBeDefined();
  expect(run).toBe(`run --terminal=false --user ${self} ${data} ${name} -- neonarrow ${command}`);
  expect([removed, ...more]).toEqual([`rm ${name}`]);
});

test('buildah keeps its images where STORAGE_DRIVER says', async () => {
  vi.stubEnv('STORAGE_DRIVER', 'vfs');
  await fakeProgram(join(bin, 'real'), `printf '%s ' "$@" >> ${folder}/said; echo >> ${folder}/said`);
  await fakeProgram(join(bin, 'buildah'), `[ "$1 $2" = "--storage-driver vfs" ] && exec ${bin}/real "$@"; exit 1`);
  expect((await verify()).exitCode).toBe(0);
  expect((await said()).map((line) => line.split(' ')[2])).toEqual(['info', 'from', 'run', 'rm']);
});

test.each([
  ['docker', '[name=seccomp,profile=builtin name=rootless name=cgroupns]'],
  ['podman', 'true'],
  ['buildah', 'true'],
])('in the user namespace of a rootless %s, root is the user', async (engine, info) => {
  await fakeEngine(engine, info);
  expect((await verify()).exitCode).toBe(7);
  expect((await said()).find((line) => line.startsWith('run '))).toContain(` --user 0:0 ${data} `);
});

test('an engine that does not work is passed over', async () => {
  await fakeProgram(join(bin, 'docker'), 'exit 1');
  await fakeEngine('podman');
  expect((await verify()).exitCode).toBe(7);
});

test("without NEONARROW_IMAGE the image must be there: nobody else's of that name is fetched", async () => {
  vi.stubEnv('NEONARROW_IMAGE', undefined);
  await fakeEngine('podman', 'false', '[ "$*" = "inspect --type image neonarrow" ] && exit 0; exit 1');
  expect((await verify()).exitCode).toBe(7);
  expect(await said()).toEqual([`run --rm --user ${self} ${data} neonarrow ${command}`]);
  await fakeEngine('podman', 'false', 'exit 125');
  const message = await refusal(3, folder, 'verify', 'a', '--in-docker');
  expect(message).toContain('error[missing-image]: podman has no image "neonarrow"');
  expect(message).toContain('podman build -f docker/Dockerfile -t neonarrow .');
});

test('files that the container would not see are refused', async () => {
  await fakeEngine('docker');
  const words = ['build', 'a.onnx', '--calibrate', 'cifar10:/elsewhere/data.bin', '--in-docker'];
  expect(await refusal(2, folder, ...words)).toContain('error[outside-folder]: "/elsewhere/data.bin" is outside');
});

test('without an engine it says so', async () => {
  expect(await refusal(3, folder, 'verify', 'a', '--in-docker')).toContain('none of docker, podman and buildah works');
});
