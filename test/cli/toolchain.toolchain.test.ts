import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { execute } from '../../src/build/execute.ts';
import { must } from '../../src/core/must.ts';
import { fakeGcc, fakeProgram } from '../build/fakes.ts';
import { leavesUntouched, neonarrow, objectOf, ownFolder, pathsIn, refusal } from './command-line.ts';
import { ownTiny } from './tiny.ts';

/** The whole road from the command line, and what becomes of it when a tool fails. */

const folder = ownFolder();
const tiny = ownTiny(folder);
const built = join(folder, 'built');
let json: Record<string, unknown>;

const buildWords = (out: string): string[] => ['build', tiny.model, '--calibrate', tiny.pixels, '--out', out];

beforeAll(async () => {
  const seen = await neonarrow(...buildWords(built), '--evaluate', tiny.labelled, '--json');
  expect(seen.exitCode, seen.stderr).toBe(0);
  json = objectOf(seen);
});
afterEach(() => vi.unstubAllEnvs());

describe('build', () => {
  test('prints the documented keys, and the bundle is verified', () => {
    expect(json).toMatchObject({
      verified: true,
      mismatches: 0,
      vectors: expect.any(Number),
      floatTop1: expect.any(Number),
      top1: expect.any(Number),
      arenaBytes: expect.any(Number),
      weightBytes: expect.any(Number),
      out: built,
    });
    const layers = json['layers'] as Record<string, unknown>[];
    expect(layers.map(({ name, proven }) => [name, proven])).toEqual([
      ['conv1', true],
      ['conv2', true],
      ['scores', true],
    ]);
    expect(layers.every(({ kernel }) => typeof kernel === 'string')).toBe(true);
  });

  test('gives the same bytes again, in place of the old ones', async () => {
    const read = async (): Promise<Record<string, string>> => {
      const files = (await pathsIn(built)).filter((path) => /\.\w+$|Makefile/.test(path));
      const texts = files.map(async (path) => [path, await readFile(join(built, path), 'base64')] as const);
      return Object.fromEntries(await Promise.all(texts));
    };
    const before = await read();
    expect(Object.keys(before)).toContain('manifest.json');
    expect(await neonarrow(...buildWords(built), '--quiet')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await read()).toEqual(before);
  });

  test('ends for people with the verdict', async () => {
    const { stdout, stderr } = await neonarrow(...buildWords(join(folder, 'people')));
    expect(stdout).toMatch(/\nverified, 0 mismatches \(\d+ vectors, [\d,]+ bytes a run\)\n$/);
    expect(stderr).toMatch(/^calibrate …\nchoose data bits …\ncorrect biases …\nverify …\n/);
  });
});

describe('the road in steps', () => {
  test('quantize, compile and verify come to the same program as build', async () => {
    const quantized = join(folder, 'steps.q.onnx');
    const out = join(folder, 'steps');
    const data = ['--calibrate', tiny.pixels];
    expect(await neonarrow('quantize', tiny.model, ...data, '-o', quantized)).toMatchObject({ exitCode: 0 });
    expect(await neonarrow('compile', quantized, ...data, '--out', out)).toMatchObject({ exitCode: 0 });
    expect(await pathsIn(out)).toEqual(await pathsIn(built));
    const same = ['src/tiny.c', 'src/tiny_weights.c', 'include/tiny.h', 'test/tiny_harness.c', 'test/tiny.vectors'];
    for (const path of same) {
      expect(await readFile(join(out, path), 'base64'), path).toBe(await readFile(join(built, path), 'base64'));
    }

    const seen = await neonarrow('verify', out, '--json');
    expect(seen.exitCode, seen.stderr).toBe(0);
    const verified = objectOf(seen);
    // Of the samples that build has tried, the bundle keeps four fewer.
    expect(verified).toMatchObject({ verified: true, mismatches: 0, vectors: Number(json['vectors']) - 4 });
    for (const run of verified['runs'] as object[]) {
      expect(run).toMatchObject({
        dir: out,
        compiler: expect.stringMatching(/^(gcc|clang) \d/),
        opt: expect.stringMatching(/^-O[23]$/),
        cpu: expect.any(String),
        ok: true,
      });
    }
  });

  test('verify finds a changed byte of a weight: exit code 1, the layer named', async () => {
    const dir = join(folder, 'planted');
    await neonarrow(...buildWords(dir), '--quiet');
    const path = join(dir, 'src', 'tiny_weights.c');
    const text = await readFile(path, 'utf8');
    const start = text.indexOf('{', text.search(/int8_t \w*conv2\w*\[/));
    const changed = text
      .slice(start)
      .replace(/-?[1-9]\d*/, (weight) => String(Number(weight) - Math.sign(Number(weight))));
    await writeFile(path, text.slice(0, start) + changed);

    const seen = await neonarrow('verify', dir, '--json');
    expect(seen.exitCode, seen.stderr).toBe(1);
    const { verified, mismatches, bundles } = objectOf(seen) as Record<string, unknown> & { bundles: object[] };
    expect(verified).toBe(false);
    expect(mismatches).toBeGreaterThan(0);
    expect(bundles[0]).toMatchObject({
      firstMismatch: { layer: 'conv2', expected: expect.any(Number), actual: expect.any(Number) },
    });
    const { stdout } = await neonarrow('verify', dir);
    expect(stdout).toMatch(/✗ gcc/);
    expect(stdout).toMatch(/first: .*conv2/);
    expect(stdout).toMatch(/NOT VERIFIED, [\d,]+ mismatches/);
  });
});

describe('a tool that fails: exit code 1, and neither a new bundle nor a changed one', () => {
  /** Builds anew and over a bundle; both must end in that message and leave everything as it was. */
  async function failsUntouched(): Promise<string> {
    return leavesUntouched(folder, async () => {
      const manifest = await readFile(join(built, 'manifest.json'), 'utf8');
      const message = await refusal(1, folder, ...buildWords(join(folder, 'failed')));
      expect(await refusal(1, folder, ...buildWords(built))).toContain(must(message.split('\n')[0], 'message'));
      expect(await readFile(join(built, 'manifest.json'), 'utf8')).toBe(manifest);
      return message;
    });
  }

  test('a compile error', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin, { recursive: true });
    const body = 'echo "src/tiny.c:7:1: error: unknown type name \'int8x8_t\'" >&2; exit 1';
    vi.stubEnv('NEONARROW_CC', await fakeProgram(join(bin, 'fake-gcc'), fakeGcc(body)));
    const message = await failsUntouched();
    expect(message).toMatch(/^error\[compile-failed\]: gcc 12\.2\.0 -O2 for armv8-a could not compile \w+\.c\n/);
    expect(message).toMatch(/\n {2}at (src|test)\/\w+\.c\n/);
    expect(message).toContain("\n  src/tiny.c:7:1: error: unknown type name 'int8x8_t'\n");
    expect(message).toContain('\n  cause: it exited with code 1\n');
    expect(message).toMatch(
      /\n {2}hint: no bundle was written; "neonarrow quantize" and "neonarrow compile" write one/,
    );
  });

  test('QEMU crashing', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin, { recursive: true });
    const body = 'case "$*" in *--version*) echo "qemu-aarch64 version 7.2.0"; exit 0 ;; esac\nkill -SEGV $$';
    vi.stubEnv('NEONARROW_QEMU', await fakeProgram(join(bin, 'fake-qemu'), body));
    const message = await failsUntouched();
    expect(message).toMatch(
      /^error\[emulator-crashed\]: the program was ended by signal SIGSEGV under qemu-aarch64 -cpu cortex-a53\n/,
    );
    expect(message).toContain('\n  cause: it was ended by signal SIGSEGV\n');
    expect(message).toMatch(/\n {2}hint: no bundle was written/);
  });
});

describe('the built program (npm run build)', () => {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const run = async (...args: string[]) => {
    const outcome = await execute({ command: process.execPath, args: [main, ...args], cwd: folder, timeoutMs: 60_000 });
    return { exitCode: outcome.exitCode, stdout: new TextDecoder().decode(outcome.stdout), stderr: outcome.stderr };
  };

  test('ends with the documented exit codes, and with --json says one object on stdout', async () => {
    expect(await run('inspect', tiny.model)).toMatchObject({ exitCode: 0, stderr: '' });
    const refused = await run('inspect', join(folder, 'none.onnx'), '--json');
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'model-not-found' } });
    expect(refused.stderr).toMatch(/^error\[model-not-found\]: /);
    vi.stubEnv('NEONARROW_QEMU', '/nowhere');
    expect(await run('doctor', '--json')).toMatchObject({ exitCode: 3, stderr: '' });
    expect(await run(...buildWords(join(folder, 'never')))).toMatchObject({ exitCode: 3, stdout: '' });
    expect(await pathsIn(folder)).not.toContain('never');
  });

  test('leaves nothing in the home folder, nor in that of temporary files: ONNX Runtime would note what it runs', async () => {
    for (const name of ['home', 'tmp']) await mkdir(join(folder, name));
    vi.stubEnv('HOME', join(folder, 'home'));
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    vi.stubEnv('TMPDIR', join(folder, 'tmp'));
    const words = ['quantize', tiny.model, '--calibrate', tiny.pixels, '--output', join(folder, 'quiet.q.onnx')];
    const seen = await run(...words);
    expect(seen.exitCode, seen.stderr).toBe(0);
    expect(await pathsIn(join(folder, 'home'))).toEqual([]);
    expect(await pathsIn(join(folder, 'tmp'))).toEqual([]);
  });

  test('says in a line that its output has no room', async () => {
    const words = [main, 'inspect', tiny.model];
    const { exitCode, stderr } = await execute({
      command: 'sh',
      args: ['-c', '"$0" "$@" > /dev/full', process.execPath, ...words],
      timeoutMs: 60_000,
    });
    expect(stderr).toMatch(/^error\[unwritable-output\]: the output cannot be written: ENOSPC.*\n {2}at stdout\n$/);
    expect(exitCode).toBe(1);
  });

  test('names the files after the model where nothing else is said', async () => {
    expect(await run('quantize', tiny.model, '--calibrate', tiny.pixels)).toMatchObject({ exitCode: 0 });
    expect(await run('compile', 'tiny.q.onnx')).toMatchObject({ exitCode: 0, stderr: 'compare …\n' });
    expect(await pathsIn(join(folder, 'generated', 'tiny'))).toContain('include/tiny.h');
  });
});
