import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { addValues, createHistogram, filledBins, mergeHistograms } from '../../src/quantize/histogram.ts';
import { chooseParams, paramsForRange, squaredError } from '../../src/quantize/steps/clipping.ts';

function histogramOf(...batches: number[][]) {
  const h = createHistogram();
  for (const batch of batches) addValues(h, Float32Array.from(batch));
  return h;
}

const reals = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), { maxLength: 50 });

describe('histogram', () => {
  it('is the same whatever the batches that grew it, and when merged from parts', () => {
    fc.assert(
      fc.property(reals, reals, (a, b) => {
        const whole = histogramOf([...a, ...b]);
        for (const h of [histogramOf(b, a), mergeHistograms([histogramOf(a), histogramOf(b)])]) {
          expect(h.counts.every((n, i) => n === whole.counts[i])).toBe(true);
          expect([h.range, h.zeros, h.count, h.min, h.max]).toEqual([
            whole.range,
            whole.zeros,
            whole.count,
            whole.min,
            whole.max,
          ]);
        }
      }),
    );
  });

  it('holds every value in the bin around it', () => {
    fc.assert(
      fc.property(reals, (values) => {
        const h = histogramOf(values);
        expect(h.zeros + h.counts.reduce((a, b) => a + b, 0)).toBe(values.length);
        const { centers } = filledBins(h);
        for (const v of values) {
          if (v === 0) continue;
          const distance = Math.min(...centers.map((c) => Math.abs(c - v)));
          expect(distance).toBeLessThanOrEqual(h.range / 4096);
        }
      }),
    );
  });

  it('uses at least 2048 bins of a one-sided range', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i / 100_000) * 1.01);
    expect(filledBins(histogramOf(values)).centers.length).toBeGreaterThanOrEqual(2048);
  });

  it('refuses NaN and infinities, and stays as it was', () => {
    const h = histogramOf([1, 2]);
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      expect(addValues(h, Float32Array.of(1, bad))).toBe(false);
    }
    expect(h.count).toBe(2);
  });
});

describe('paramsForRange', () => {
  it('uses all bits of what is never negative, with the zero point at the lowest integer', () => {
    expect(paramsForRange(0, 15, 15, 'float32')).toEqual({ scale: [1], zeroPoint: -8, qmin: -8, qmax: 7 });
    expect(paramsForRange(3, 255, 255, 'float32')).toEqual({ scale: [1], zeroPoint: -128, qmin: -128, qmax: 127 });
  });

  it('has float32 scales and powers of two', () => {
    const [float] = paramsForRange(-1, 2, 255, 'float32').scale;
    expect(float).toBe(Math.fround(3 / 255));
    const [power] = paramsForRange(-1, 2, 255, 'powerOfTwo').scale;
    expect(power).toBe(2 ** -6);
  });

  it('reaches both ends of the range within a step, and 0 exactly', () => {
    const ranges = fc.record({
      lo: fc.float({ min: -1000, max: 0, noNaN: true }),
      hi: fc.float({ min: Math.fround(0.001), max: 1000, noNaN: true }),
      steps: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(ranges, ({ lo, hi, steps }) => {
        const { scale, zeroPoint, qmin, qmax } = paramsForRange(lo, hi, steps, 'float32');
        expect(Number.isInteger(zeroPoint)).toBe(true);
        expect(qmax - qmin).toBe(steps);
        expect(qmin).toBeGreaterThanOrEqual(-128);
        expect(qmax).toBeLessThanOrEqual(127);
        expect(scale[0]! * (qmin - zeroPoint)).toBeLessThanOrEqual(lo + 0.501 * scale[0]!);
        expect(scale[0]! * (qmax - zeroPoint)).toBeGreaterThanOrEqual(hi - 0.501 * scale[0]!);
      }),
    );
  });
});

describe('chooseParams', () => {
  const random = createRandom(1);
  const normal = Array.from({ length: 20_000 }, () => random.normal());

  it('takes the whole range for minmax', () => {
    const { quant } = chooseParams(histogramOf([0, 1, 100]), { steps: 15, clipping: 'minmax', grid: 'float32' });
    expect(quant.scale[0]).toBe(Math.fround(100 / 15));
  });

  it('clips a bell curve where the literature does: about 2.5 σ at 4 bits', () => {
    const { quant, noise } = chooseParams(histogramOf(normal), { steps: 15, clipping: 'mse', grid: 'float32' });
    const half = (quant.scale[0]! * 15) / 2;
    expect(half).toBeGreaterThan(2.2);
    expect(half).toBeLessThan(2.9);
    expect(noise).toBeCloseTo(0.0115, 2);
  });

  it('predicts the squared error that the values themselves have', () => {
    const h = histogramOf(normal);
    for (const steps of [15, 22, 63, 255]) {
      const { quant, noise } = chooseParams(h, { steps, clipping: 'mse', grid: 'float32' });
      const exact = squaredError(
        { centers: Float64Array.from(normal), counts: new Float64Array(normal.length).fill(1) },
        quant,
      );
      expect(noise / (exact / h.squares)).toBeCloseTo(1, 1);
    }
  });

  it('ignores an outlier that costs more than it is worth, and keeps one-sided data one-sided', () => {
    const values = [...normal.map(Math.abs), 20];
    const { quant } = chooseParams(histogramOf(values), { steps: 15, clipping: 'mse', grid: 'float32' });
    expect(quant.scale[0]! * 15).toBeLessThan(10);
    expect(quant.zeroPoint).toBe(quant.qmin);
  });

  it('finds the exact grid of raw pixels', () => {
    const pixels = Array.from({ length: 256 }, (_, i) => i);
    const { quant } = chooseParams(histogramOf(pixels), { steps: 255, clipping: 'mse', grid: 'float32' });
    expect(quant).toEqual({ scale: [1], zeroPoint: -128, qmin: -128, qmax: 127 });
  });

  it('finds something for a tensor that is always zero', () => {
    const { quant, noise } = chooseParams(histogramOf([0, 0]), { steps: 255, clipping: 'mse', grid: 'float32' });
    expect(quant.scale[0]).toBeGreaterThan(0);
    expect(noise).toBe(0);
  });
});
