import { describe, expect, test } from 'vitest';
import { cString } from '../../src/verify/harness.ts';
import { describeMismatch, parseMismatch, parseReport, type VerifyRun } from '../../src/verify/result.ts';

const run: VerifyRun = {
  compiler: 'gcc 12.2.0',
  opt: '-O3',
  cpu: 'max',
  sanitized: false,
  ok: false,
  mismatches: 9,
  milliseconds: 1,
};
const place = { run: { compiler: 'gcc 12.2.0', opt: '-O3', cpu: 'max' } };

describe('what the harness prints', () => {
  test('has a closing line', () => {
    expect(parseReport('vectors 3 bytes 40 mismatches 0\n')).toEqual({ vectors: 3, bytes: 40, mismatches: 0 });
    const first = 'mismatch vector 1 layer "a" (step 2) index 7 expected -3 actual 4';
    expect(parseReport(`${first}\nvectors 3 bytes 40 mismatches 2\n`)).toEqual({
      vectors: 3,
      bytes: 40,
      mismatches: 2,
      first,
    });
    expect(parseReport(first)).toBeUndefined();
  });

  test('names layer, index, expected and actual', () => {
    const line = 'mismatch vector 1 layer "a "b" (step 3)" (step 2) index 7 expected -3 actual 4';
    expect(parseMismatch(line, run, ['x', 'sample 1'])).toEqual({
      ...place,
      line,
      vector: 1,
      what: 'sample 1',
      layer: 'a "b" (step 3)',
      step: 2,
      index: 7,
      expected: -3,
      actual: 4,
    });
    expect(describeMismatch(parseMismatch(line, run, ['x', 'sample 1']))).toBe(
      'layer "a "b" (step 3)" (step 2), index 7: expected -3, actual 4 (sample 1; gcc 12.2.0 -O3, max)',
    );
  });

  test('may have no layer, or no index', () => {
    const guard = 'mismatch vector 0 3 bytes outside the arena were written';
    expect(parseMismatch(guard, run, ['x'])).toEqual({ ...place, line: guard, vector: 0, what: 'x' });
    expect(describeMismatch(parseMismatch(guard, run, ['x']))).toBe(
      '3 bytes outside the arena were written (x; gcc 12.2.0 -O3, max)',
    );
    const sum = 'mismatch vector 0 layer "a" (step 1) checksum expected 00000001 actual 00000002';
    expect(parseMismatch(sum, run, ['x'])).toEqual({ ...place, line: sum, vector: 0, what: 'x', layer: 'a', step: 1 });
  });
});

test('names become C strings without escapes that run on, trigraphs or ends', () => {
  expect(cString('/conv1/Conv')).toBe('"/conv1/Conv"');
  expect(cString('a"b\\c??/d')).toBe('"a\\"b\\\\c\\?\\?/d"');
  expect(cString('é1\n')).toBe('"\\303\\2511\\012"');
});
