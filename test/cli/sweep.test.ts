import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { neonarrow, objectOf, ownFolder, pathsIn, refusal } from './command-line.ts';
import { ownTiny } from './tiny.ts';

const folder = ownFolder();
const tiny = ownTiny(folder);

const data = () => [tiny.model, '--calibrate', tiny.pixels, '--evaluate', tiny.labelled];

async function sweep(out: string, ...more: string[]) {
  const words = ['--out', join(folder, out), '--cache', join(folder, 'cache'), '--json', '--quiet', ...more];
  const seen = await neonarrow('sweep', ...data(), ...words);
  expect(seen.exitCode, seen.stderr).toBe(0);
  return objectOf(seen);
}

const read = (...path: string[]) => readFile(join(folder, ...path), 'utf8');

describe('sweep', () => {
  test('writes points as JSON, CSV and a picture', async () => {
    const json = await sweep('a', '--acc-bits', '8..9,16', '--lanes', '1,8', '--images', '20');
    const points = json['points'] as Record<string, number>[];
    expect(points.map((p) => [p['lanes'], p['bits']])).toEqual([
      [1, 8],
      [1, 9],
      [1, 16],
      [8, 8],
      [8, 9],
      [8, 16],
    ]);
    for (const p of points) {
      expect(p['drop']).toBeCloseTo((json['floatTop1'] as number) - p['top1']!, 12);
      expect(Number.isInteger(Math.round(p['top1']! * 2000) / 100)).toBe(true);
      expect(p['proven']).toBe(true);
    }
    expect(json['samples']).toBe(20);
    expect(points[2]!['dataBits']).toBeGreaterThan(points[0]!['dataBits']!);

    const csv = (await read('a', 'sweep.csv')).trimEnd().split('\n');
    expect(csv[0]).toBe('bits,lanes,analysis,top1,drop,dataBits,weightBits,utilization,proven');
    expect(csv.slice(1).map((line) => Number(line.split(',')[3]))).toEqual(points.map((p) => p['top1']));
    expect(JSON.parse(await read('a', 'sweep.json'))).toMatchObject({ samples: 20, points });
    const svg = await read('a', 'sweep.svg');
    expect(svg).toMatch(/^<svg /);
    for (const text of ['accumulator bits', 'one scalar accumulator', '8 NEON lanes (16 of 8 bits)', 'top-1 (%)']) {
      expect(svg).toContain(text);
    }
  });

  test('shards, merged, are the whole', async () => {
    await sweep('whole', '--acc-bits', '10,12,16', '--images', '20');
    const parts = ['1/2', '2/2'].map((shard) => ({ shard, out: `part${shard[0]}` }));
    for (const { shard, out } of parts) {
      await sweep(out, '--acc-bits', '10,12,16', '--images', '20', '--shard', shard);
      expect(await pathsIn(join(folder, out))).toEqual(['sweep.json']);
    }
    const files = parts.map(({ out }) => join(folder, out, 'sweep.json'));
    const seen = await neonarrow('merge', ...files, '--out', join(folder, 'merged'), '--json');
    expect(seen.exitCode, seen.stderr).toBe(0);
    for (const name of ['sweep.csv', 'sweep.svg', 'sweep.json']) {
      expect(await read('merged', name)).toBe(await read('whole', name));
    }
    const turned = await neonarrow('merge', ...files.toReversed(), '--out', join(folder, 'turned'), '--json');
    expect(turned.exitCode, turned.stderr).toBe(0);
    expect(await read('turned', 'sweep.json')).toBe(await read('whole', 'sweep.json'));
    expect(await refusal(2, folder, 'merge', files[0]!, files[0]!)).toContain('shards-do-not-fit');
    expect(await refusal(2, folder, 'merge', files[0]!)).toContain('shards-do-not-fit');
  });

  test('goes on where it was: nothing is evaluated twice, and the files are the same', async () => {
    const first = await sweep('b', '--acc-bits', '10,12');
    const second = await sweep('c', '--acc-bits', '10,12');
    expect(second['evaluations']).toEqual({ total: 4, run: 0 });
    expect(second['points']).toEqual(first['points']);
    for (const name of ['sweep.csv', 'sweep.svg', 'sweep.json']) {
      expect(await read('b', name)).toBe(await read('c', name));
    }
  });

  test('a damaged entry of the cache is evaluated again; --no-cache keeps nothing', async () => {
    const before = await sweep('d', '--acc-bits', '13', '--lanes', '1');
    const entries = (await pathsIn(join(folder, 'cache', 'evaluations'))).map((f) =>
      join(folder, 'cache', 'evaluations', f),
    );
    for (const entry of entries) await writeFile(entry, '{"samples"');
    const after = await sweep('d', '--acc-bits', '13', '--lanes', '1');
    expect(after['evaluations']).toEqual({ total: 1, run: 1 });
    expect(after['points']).toEqual(before['points']);
    const kept = await pathsIn(join(folder, 'cache'));
    expect(await sweep('d', '--acc-bits', '14', '--lanes', '1', '--no-cache')).toMatchObject({
      evaluations: { run: 1 },
    });
    expect(await pathsIn(join(folder, 'cache'))).toEqual(kept);
  });

  test('accumulators that quantize alike are evaluated once', async () => {
    const json = await sweep('e', '--acc-bits', '24..28', '--lanes', '1', '--no-cache');
    expect(json['evaluations']).toEqual({ total: 5, run: 1 });
    expect(new Set((json['points'] as { top1: number }[]).map((p) => p.top1)).size).toBe(1);
  });

  test('compares the analyses in one table; where no weights fit, there is no point', async () => {
    const words = ['--acc-bits', '8,16', '--lanes', '1', '--analysis', 'worst-case,weights', '--bits', '8'];
    const points = (await sweep('g', ...words))['points'] as Record<string, unknown>[];
    expect(points.map((p) => [p['analysis'], p['bits'], p['top1'] === null])).toEqual([
      ['worst-case', 8, true],
      ['worst-case', 16, false],
      ['weights', 8, false],
      ['weights', 16, false],
    ]);
    expect(points[0]).toMatchObject({ drop: null, proven: false });
    const seen = await neonarrow('sweep', ...data(), ...words, '--out', join(folder, 'g'), '--no-cache', '--quiet');
    expect(seen.stdout).toMatch(/^ +8 +1 +worst-case +no weights fit$/m);
    expect(await read('g', 'sweep.csv')).toMatch(/^8,1,worst-case,,,0,0,0,false$/m);
  });

  test('for people: a table', async () => {
    const out = join(folder, 'f');
    const seen = await neonarrow('sweep', ...data(), '--acc-bits', '8,16', '--out', out, '--no-cache', '--quiet');
    expect(seen.stdout).toMatch(/^bits +lanes +ranges +top-1 +drop/);
    expect(seen.stdout).toMatch(/^ +16 +8 +weights +\d+\.\d\d % .* proven$/m);
    expect(seen.stdout).toMatch(/^ +8 +16 +weights +\d+\.\d\d % .* proven$/m);
    expect(await read('f', 'sweep.csv')).toMatch(/^8,8,weights,/m);
    expect(seen.stdout).toContain(`wrote ${join(out, 'sweep.svg')}`);
  });

  test.each([
    [['--acc-bits', '16..8'], '--acc-bits', '"16..8" is not a range of widths'],
    [['--acc-bits', '7..9'], '--acc-bits', '"7" is not a whole number from 8 to 32'],
    [['--lanes', '4'], '--lanes', '"4" is not a number of lanes'],
    [['--analysis', 'best'], '--analysis', '"best" is no range analysis'],
    [['--images', '0'], '--images', '"0" is not a whole number of at least 1'],
  ])('%j is refused', async (words, place, message) => {
    const said = await refusal(2, folder, 'sweep', ...data(), ...words);
    expect(said).toContain(`error[bad-flag]: ${message}\n  at ${place}\n  hint: `);
  });

  test('data without labels is refused', async () => {
    const words = ['--calibrate', tiny.pixels, '--evaluate', tiny.pixels, '--out', join(folder, 'g')];
    expect(await refusal(2, folder, 'sweep', tiny.model, ...words)).toContain('data-without-labels');
  });
});
