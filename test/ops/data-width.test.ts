import { expect, test } from 'vitest';
import { dataWidth } from '../../src/ops/quantized.ts';

test.each([
  [-128, 127, { bits: 8 }],
  [0, 1, { bits: 1 }],
  [-4, 3, { bits: 3 }],
  [-4, 1, { bits: 3, steps: 5 }],
  [-4, 0, { bits: 3, steps: 4 }],
  [-4, 2, { bits: 3, steps: 6 }],
  [-8, 0, { bits: 4, steps: 8 }],
  // A symmetric quantizer's, without its lowest value.
  [-127, 127, { bits: 8 }],
  [-3, 3, { bits: 3 }],
])('data from %d to %d', (qmin, qmax, width) => {
  expect(dataWidth({ qmin, qmax })).toEqual(width);
});
