import { describe, expect, it } from 'vitest';
import { automaticTechniques, defaultTechniques, parseTechniques, techniques } from '../../src/quantize/techniques.ts';

const listed = (text: string) => [...parseTechniques(text)].sort();

describe('parseTechniques', () => {
  it('knows all, none, default, names, and names to leave out', () => {
    expect(listed('all')).toEqual([...techniques].sort());
    expect(listed('none')).toEqual([]);
    expect(listed('default')).toEqual([...defaultTechniques].sort());
    expect(listed('bias, descent')).toEqual(['bias', 'descent']);
    expect(listed('all,-bias,-clamps')).toEqual(techniques.filter((t) => t !== 'bias' && t !== 'clamps').sort());
    expect(listed('none,bias')).toEqual(['bias']);
  });

  it('refuses what it does not know, with the names that it does', () => {
    for (const text of ['gradient', '', 'all,-gradient', 'default,,bias']) {
      expect(() => parseTechniques(text)).toThrowError(
        expect.objectContaining({
          code: 'bad-option',
          place: '--techniques',
          hint: expect.stringContaining('whole-error'),
        }),
      );
    }
  });
});

describe('what is done where nothing is asked for', () => {
  it('is fitting, but where 16-bit lanes may be flushed as often as the weights need it', () => {
    const neon = { accBits: 16, lanes: 8, segments: 'auto' } as const;
    expect([...automaticTechniques(neon)]).toEqual(['bias']);
    for (const tight of [{ segments: 1 }, { lanes: 1 }]) {
      expect(automaticTechniques({ ...neon, ...tight })).toBe(defaultTechniques);
    }
  });

  it.each([
    [8, 'diffusion'],
    [1, 'pixel-sums'],
  ] as const)('diffuses errors, too, where accumulators have less than 16 bits: %i lanes, %s', (lanes, technique) => {
    const narrow = automaticTechniques({ accBits: 15, lanes, segments: 'auto' });
    expect(narrow).toEqual(new Set([...defaultTechniques, technique]));
  });
});
