import { describe, expect, test } from 'vitest';
import { compareResults } from '../../src/regress/compare.ts';
import { junitXml } from '../../src/regress/junit.ts';
import { markdownReport } from '../../src/regress/markdown.ts';
import { mergeResults } from '../../src/regress/regress.ts';
import { allEqual, type ProgramResult, regressResults } from '../../src/regress/result.ts';

const run = { cpu: 'max', ok: true, vectors: 4, mismatches: 0 };
const memory = { code: 1000, constants: 500, data: 0, arena: 256, stack: 300 };
const program = (more: Partial<ProgramResult> = {}): ProgramResult => ({
  bundle: 'net',
  target: 'armv8-a',
  build: 'gcc -O2',
  compiler: 'gcc 12.2.0',
  expected: 'ab',
  instructions: 10_000,
  memory,
  runs: [run],
  ...more,
});
const before = regressResults([program()]);
const changesTo = (more: Partial<ProgramResult>) => compareResults(before, regressResults([program(more)]));

describe('compareResults', () => {
  test('finds nothing where nothing differs', () => {
    expect(changesTo({ compiler: 'gcc 13.1.0' })).toEqual([]);
  });

  test.each([
    [{ instructions: 10_201 }, 'instructions', '10,000 → 10,201 (+2.0 %)', true],
    [{ instructions: 10_200 }, 'instructions', '10,000 → 10,200 (+2.0 %)', false],
    [{ instructions: 9_000 }, 'instructions', '10,000 → 9,000 (-10.0 %)', false],
    [{ memory: { ...memory, code: 1021 } }, 'code', '1,000 → 1,021 (+2.1 %)', true],
    [{ memory: { ...memory, code: 1020 } }, 'code', '1,000 → 1,020 (+2.0 %)', false],
    [{ memory: { ...memory, arena: 257 } }, 'arena', '256 → 257 (+0.4 %)', true],
    [{ memory: { ...memory, stack: 301 } }, 'stack', '300 → 301 (+0.3 %)', true],
    [{ memory: { ...memory, constants: 499 } }, 'constants', '500 → 499 (-0.2 %)', false],
    [{ memory: { ...memory, data: 4 } }, 'data', '0 → 4', true],
    [{ expected: 'cd' }, 'results', 'the golden vectors are others', true],
  ] as const)('weighs %o', (more, what, text, worse) => {
    expect(changesTo(more)).toEqual([{ bundle: 'net', build: 'gcc -O2', what, text, worse }]);
  });

  test('finds edited files without a last run', () => {
    const edited = regressResults([program({ altered: ['src/net.c', 'Makefile'] })]);
    expect(compareResults(undefined, edited)).toEqual([
      { bundle: 'net', build: 'gcc -O2', what: 'files', text: 'not as generated: src/net.c, Makefile', worse: true },
    ]);
    expect(compareResults(undefined, before)).toEqual([]);
  });

  test('says what is new, and what of the same bundles is gone', () => {
    const last = regressResults([program(), program({ build: 'clang -O2' }), program({ bundle: 'other' })]);
    const now = regressResults([program(), program({ build: 'gcc -O3' })]);
    expect(compareResults(last, now).map(({ build, text, worse }) => [build, text, worse])).toEqual([
      ['gcc -O3', 'new', false],
      ['clang -O2', 'not run any more', true],
    ]);
  });
});

test('nothing that ran is not good', () => {
  expect(allEqual(regressResults([]))).toBe(false);
  expect(allEqual(regressResults([program({ runs: [] })]))).toBe(false);
  expect(allEqual(regressResults([program({ runs: [run, { ...run, ok: false }] })]))).toBe(false);
  expect(allEqual(before)).toBe(true);
});

describe('reports', () => {
  const wrong = { ...run, ok: false, mismatches: 3, first: 'layer "a<b>&c" index 3' };
  const results = regressResults([program({ runs: [run, wrong], instructions: 12_000 })]);
  const changes = compareResults(before, results);

  test('JUnit: a case a run and one for the cost, which fails if strict', () => {
    const xml = junitXml(results, changes, true);
    expect(xml).toContain('<testsuite name="net" tests="3" failures="2">');
    expect(xml).toContain(
      '<failure message="3 mismatches in 4 vectors">layer &quot;a&lt;b&gt;&amp;c&quot; index 3</failure>',
    );
    expect(xml).toContain('<failure message="worse">instructions: 10,000 → 12,000 (+20.0 %)</failure>');
    const lenient = junitXml(results, changes, false);
    expect(lenient).toContain('failures="1"');
    expect(lenient).toContain('<system-out>instructions: 10,000 → 12,000 (+20.0 %)</system-out>');
  });

  test('Markdown: failures, changes, costs', () => {
    const text = markdownReport(results, changes);
    expect(text).toContain('**1 of 2 runs gave every byte**');
    expect(text).toContain('| net | gcc -O2 | max | layer "a<b>&c" index 3 |');
    expect(text).toContain('| net | gcc -O2 | instructions | 10,000 → 12,000 (+20.0 %) | **worse** |');
    expect(text).toContain('| gcc 12.2.0 | max **max** | 12,000 | 1,000 | 500 | 0 | 256 | 300 |');
    expect(markdownReport(before, [])).toContain('No change');
    expect(markdownReport(before, undefined)).not.toContain('change');
  });
});

test('shards that overlap are refused', () => {
  const parts = [1, 2].map((index) => ({ ...before, shard: { index, count: 2 } }));
  expect(() => mergeResults(parts)).toThrow('two of the files have results of the same program');
});
