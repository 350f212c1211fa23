import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerSolutions, solutionSpace } from '../../../src/quantize/search/solution-space.ts';
import { mixedNetwork } from '../networks.ts';

/** By trying: no sum of `products` extreme products leaves a window of 2^bits integers. */
function fits(accBits: number, products: number, dataBits: number, weightBits: number): boolean {
  return products * (2 ** dataBits - 1) * (2 ** (weightBits - 1) - 1) <= 2 ** accBits - 1;
}

describe('solutionSpace', () => {
  it('gives the pairs of the paper: all that fit and cannot grow, and no others', () => {
    const cases = fc.record({ accBits: fc.integer({ min: 8, max: 24 }), products: fc.integer({ min: 1, max: 5000 }) });
    fc.assert(
      fc.property(cases, ({ accBits, products }) => {
        const wanted = [8, 7, 6, 5, 4, 3, 2].flatMap((dataBits) =>
          [8, 7, 6, 5, 4, 3, 2]
            .filter((weightBits) => fits(accBits, products, dataBits, weightBits))
            .filter((weightBits) => {
              const wider = (d: number, w: number) => d <= 8 && w <= 8 && fits(accBits, products, d, w);
              return !wider(dataBits + 1, weightBits) && !wider(dataBits, weightBits + 1);
            })
            .map((weightBits) => ({ dataBits, weightBits })),
        );
        expect(solutionSpace(accBits, products)).toEqual(wanted);
      }),
    );
  });

  it('is what one works out by hand for the 864 products of a 3×3 convolution over 96 channels', () => {
    // 2^16 − 1 = 65535 = 864 · 75.85: 75 = 63 · 1 and more (6 data bits, weights of ±1), 31 · 1, 15 · 3, 7 · 7, 3 · 15.
    expect(solutionSpace(16, 864)).toEqual([
      { dataBits: 6, weightBits: 2 },
      { dataBits: 4, weightBits: 3 },
      { dataBits: 3, weightBits: 4 },
      { dataBits: 2, weightBits: 5 },
    ]);
    expect(solutionSpace(8, 864)).toEqual([]);
  });
});

describe('layerSolutions', () => {
  it('counts the products of one accumulator: lanes share those of an output', () => {
    const products = (lanes: 1 | 8) => layerSolutions(mixedNetwork(), 12, lanes).map((l) => [l.name, l.products]);
    expect(products(1).slice(0, 4)).toEqual([
      ['conv2d0', 27],
      ['conv2d1', 9],
      ['conv2d2', 8],
      ['conv2d5', 8],
    ]);
    // Rows of 9 products: the first of 8 lanes sums two of each.
    expect(products(8).slice(0, 4)).toEqual([
      ['conv2d0', 6],
      ['conv2d1', 9],
      ['conv2d2', 1],
      ['conv2d5', 1],
    ]);
  });
});
