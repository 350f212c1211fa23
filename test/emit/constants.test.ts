import { describe, expect, it } from 'vitest';
import { arrayView } from '../../src/emit/constants.ts';
import { float32Text } from '../../src/emit/describe.ts';
import { helperFunctions } from '../../src/emit/helpers.ts';

describe('arrayView', () => {
  it('writes the least int32 as an expression', () => {
    expect(arrayView('a', Int32Array.of(-(2 ** 31), 5), '').rows).toEqual(['-2147483647 - 1,               5,']);
  });

  it('aligns columns, a power of two of them a line', () => {
    const { rows, dims, type } = arrayView(
      'a',
      Int8Array.from({ length: 70 }, (_, i) => i - 35),
      '',
    );
    expect([type, dims]).toEqual(['int8_t', '[70]']);
    expect(rows.map((row) => row.split(',').length - 1)).toEqual([16, 16, 16, 16, 6]);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(118);
  });

  it('nests the braces of several dimensions', () => {
    expect(arrayView('a', Uint8Array.of(1, 2, 3, 4), '', [2])).toMatchObject({
      dims: '[2][2]',
      rows: ['{', '  1, 2,', '},', '{', '  3, 4,', '},'],
    });
  });
});

describe('float32Text', () => {
  it('is the shortest that reads back as the same float', () => {
    for (const value of [0.1, 1 / 3, 1, 1e-10, 123456789, 2 ** -126, 3.4028234663852886e38].map(Math.fround)) {
      const text = float32Text(value);
      expect(Math.fround(Number(text))).toBe(value);
      expect(text).toMatch(/[.e]/);
    }
    expect(float32Text(Math.fround(0.1))).toBe('0.1');
  });
});

describe('helperFunctions', () => {
  it('emits what is called, after what it calls, behind the condition of its callers', () => {
    const body = '#if NET_NEON\nnet_add_x16(a);\n#else\nnet_to_output(b);\n#endif\n';
    const text = helperFunctions('net', body);
    expect(text.indexOf(' net_to_output_x16(')).toBeLessThan(text.indexOf(' net_add_x16('));
    expect(text.match(/#if .*/g)).toEqual(['#if NET_NEON', '#if !NET_NEON']);
    expect(text).not.toContain('net_store_s8');
  });

  it('emits what both bodies call without a condition', () => {
    const text = helperFunctions('net', 'net_min(1, 2);');
    expect(text).toContain('net_min(int32_t a');
    expect(text).not.toContain('#if');
  });

  it('does not count what a comment mentions', () => {
    expect(helperFunctions('net', '/* as net_min(a, b) */')).toBe('');
  });
});
