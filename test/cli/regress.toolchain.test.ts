import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { countsInstructions } from '../helpers/instructions.ts';
import { convGraph } from '../helpers/reductions.ts';
import { writeTestBundle } from '../verify/bundle.ts';
import { neonarrow, objectOf, ownFolder, refusal } from './command-line.ts';

/** What `regress` must catch, planted; and its shards. */

const folder = ownFolder();
const at = (name: string): string => join(folder, name);
const size = { height: 5, width: 6, channels: 16, outputs: 9, kernel: [3, 3] } as const;

beforeAll(async () => {
  await writeTestBundle(at('one'), convGraph('one', size));
  await writeTestBundle(at('two'), convGraph('two', { ...size, kernel: [1, 1] }), [], { runtime: 'baremetal' });
});

const matrix = [
  '--compilers',
  'gcc',
  '--opt',
  'O2',
  '--cpus',
  'cortex-a53,cortex-a72,no-such-cpu',
  '--json',
  '--quiet',
];
const regress = (...words: string[]) => neonarrow('regress', ...words, ...matrix);

interface Json {
  readonly ok: boolean;
  readonly runs: number;
  readonly wrong: number;
  readonly changes: readonly { readonly what: string; readonly text: string; readonly worse: boolean }[];
  readonly programs: readonly {
    readonly build: string;
    readonly instructions?: number;
    readonly runs: readonly { cpu: string; first?: string }[];
  }[];
}

test('replays, measures, and finds no change the second time', async () => {
  const words = [at('one'), at('two'), '--state', at('state.json'), '--strict'];
  const first = await regress(...words, '--junit', at('junit.xml'), '--markdown', at('report.md'));
  expect(first.exitCode, first.stderr).toBe(0);
  const json = objectOf(first) as unknown as Json;
  expect(json).toMatchObject({ ok: true, runs: 5, wrong: 0, changes: [] });
  expect(json.programs.map(({ build, runs }) => [build, runs.map(({ cpu }) => cpu)])).toEqual([
    ['gcc -O2', ['cortex-a53', 'cortex-a72']],
    ['gcc -O2', ['cortex-a53', 'cortex-a72']],
    ['gcc -O2, bare metal', ['cortex-a53 (bare metal)']],
  ]);
  if (countsInstructions) expect(json.programs[0]!.instructions).toBeGreaterThan((5 * 6 * 9 * 9 * 16) / 16);
  expect(await readFile(at('junit.xml'), 'utf8')).toContain('failures="0"');
  expect(await readFile(at('report.md'), 'utf8')).toContain('**5 of 5 runs gave every byte**');
  const second = await neonarrow('regress', ...words, ...matrix.filter((word) => word !== '--quiet'));
  expect(second.stderr).toMatch(/QEMU \S+ has no no-such-cpu: left out/);
  expect(objectOf(second)).toMatchObject({ ok: true, changes: [] });
});

test('CPU models that QEMU does not have are no reason to try others', async () => {
  const said = await refusal(2, folder, 'regress', at('one'), '--cpus', 'no-such-cpu,nor-this', '--no-state');
  expect(said).toMatch(
    /^error\[unknown-cpu\]: QEMU \S+ has no no-such-cpu, no nor-this: nothing would run\n {2}at --cpus/,
  );
});

test('one bit of a weight fails, and there is no state', async () => {
  const dir = at('bit');
  await cp(fileURLToPath(new URL('../../generated/digits', import.meta.url)), dir, { recursive: true });
  const path = join(dir, 'src/digits_weights.c');
  const text = await readFile(path, 'utf8');
  const start = text.indexOf('{', text.search(/int8_t digits_\d_8_Conv_weights\[\d+\] = /));
  const flipped = text.slice(start).replace(/-?\d+/, (weight) => String(Number(weight) ^ 1));
  await writeFile(path, text.slice(0, start) + flipped);
  const seen = await regress(dir, '--state', at('bit.json'));
  expect(seen.exitCode).toBe(1);
  const json = objectOf(seen) as unknown as Json;
  expect(json).toMatchObject({ ok: false, wrong: 2 });
  expect(json.programs[0]!.runs[0]!.first).toMatch(/^mismatch vector 0 layer "\/8\/Conv"/);
  await expect(readFile(at('bit.json'))).rejects.toThrow('ENOENT');
});

test('one bit that no golden vector shows fails if strict', async () => {
  const dir = at('hidden');
  await cp(at('one'), dir, { recursive: true });
  const path = join(dir, 'src/one_weights.c');
  await writeFile(path, `${await readFile(path, 'utf8')}\n`);
  const strict = await regress(dir, '--no-state', '--strict');
  expect(strict.exitCode).toBe(1);
  const { changes } = objectOf(strict) as unknown as Json;
  expect(changes[0]).toMatchObject({ what: 'files', text: 'not as generated: src/one_weights.c', worse: true });
  expect(await regress(dir, '--no-state')).toMatchObject({ exitCode: 0 });
});

test.skipIf(!countsInstructions)('a slower kernel is reported, and fails if strict, until it is accepted', async () => {
  const dir = at('slow');
  await cp(at('one'), dir, { recursive: true });
  const words = [dir, '--state', at('slow.json')];
  expect(await regress(...words)).toMatchObject({ exitCode: 0 });
  const path = join(dir, 'src/one.c');
  const text = await readFile(path, 'utf8');
  const body = /^static void one_1_[^{]*\{\n/m;
  expect(text).toMatch(body);
  await writeFile(path, text.replace(body, '$&  for (volatile int wait = 0; wait < 1000; wait++) {\n  }\n'));
  const strict = await regress(...words, '--strict', '--junit', at('slow.xml'));
  expect(strict.exitCode).toBe(1);
  const { changes } = objectOf(strict) as unknown as Json;
  expect(changes.filter(({ worse }) => worse).map(({ what }) => what)).toContain('instructions');
  expect(await readFile(at('slow.xml'), 'utf8')).toMatch(/<failure message="worse">files: .*\ninstructions: /);
  expect(await regress(...words, '--strict'), 'still').toMatchObject({ exitCode: 1 });
  expect(await regress(...words, '--strict', '--accept')).toMatchObject({ exitCode: 0 });
  // What was accepted is the last run; that the file was edited is still said.
  const later = objectOf(await regress(...words)) as unknown as Json;
  expect(later.changes.map(({ what }) => what)).toEqual(['files']);
});

test('what does not compile is a result among others', async () => {
  const dir = at('broken');
  await cp(at('one'), dir, { recursive: true });
  await writeFile(join(dir, 'src/one.c'), 'int one_run = ;\n');
  const seen = await regress(dir, at('two'), '--no-state');
  expect(seen.exitCode).toBe(1);
  const json = objectOf(seen) as unknown as Json;
  expect(json).toMatchObject({ runs: 5, wrong: 2 });
  expect(json.programs[0]!.runs[0]!.first).toMatch(/could not compile/);
});

test('shards, merged, are the whole', async () => {
  const whole = at('whole.json');
  const dirs = [at('one'), at('two')];
  expect(await regress(...dirs, '--results', whole, '--no-state')).toMatchObject({ exitCode: 0 });
  const parts = ['1/2', '2/2'].map((shard, i) => ({ shard, file: at(`part${i}.json`) }));
  for (const { shard, file } of parts) {
    expect(await regress(...dirs, '--shard', shard, '--results', file)).toMatchObject({ exitCode: 0 });
  }
  const merged = await neonarrow('merge', ...parts.map(({ file }) => file), '--state', at('merged.json'), '--json');
  expect(merged.exitCode, merged.stderr).toBe(0);
  expect(await readFile(at('merged.json'), 'utf8')).toBe(await readFile(whole, 'utf8'));
  expect(await refusal(2, folder, 'merge', whole, parts[0]!.file)).toContain('shards-do-not-fit');
  expect(await refusal(2, folder, 'merge', parts[1]!.file)).toContain('shards-do-not-fit');
  await rm(at('merged.json'));
});

test('refuses what it cannot do', async () => {
  expect(await refusal(2, folder, 'regress', at('one'), at('one'))).toContain('the bundle is named twice');
  expect(await refusal(2, folder, 'regress', at('one'), '--shard', '1/2')).toContain('must go to a file');
  expect(await refusal(2, folder, 'regress', folder)).toContain('not-a-bundle');
  expect(await refusal(2, folder, 'regress', at('one'), '--opt', '-O9')).toContain('bad-flag');
  await writeFile(at('state-bad.json'), '{}');
  // Before anything is compiled: there is no such compiler.
  vi.stubEnv('NEONARROW_CC', '/nowhere');
  for (const words of [
    ['--junit', '/proc/x.xml'],
    ['--state', at('state-bad.json')],
  ]) {
    expect(await refusal(2, folder, 'regress', at('one'), ...words)).toMatch(/unwritable-output|bad-results/);
  }
  vi.unstubAllEnvs();
  expect(await refusal(2, folder, 'merge', at('state-bad.json'))).toContain('bad-results');
});
