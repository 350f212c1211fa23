import { describe, expect, test } from 'vitest';
import { spread } from '../../src/verify/budget.ts';

describe('spread', () => {
  test('takes everything where the budget suffices', () => {
    expect(
      spread(
        [
          { length: 3, cost: 5 },
          { length: 0, cost: 9 },
          { length: 7, cost: 1 },
        ],
        22,
      ),
    ).toEqual([3, 0, 7]);
  });

  test('takes the first of each queue whatever it costs', () => {
    expect(
      spread(
        [
          { length: 3, cost: 50 },
          { length: 2, cost: 50 },
        ],
        1,
      ),
    ).toEqual([1, 1]);
  });

  test('raises the smallest part first', () => {
    expect(
      spread(
        [
          { length: 10, cost: 1 },
          { length: 100, cost: 1 },
        ],
        24,
      ),
    ).toEqual([3, 21]);
  });

  test('goes on with the cheap ones when the dear ones cannot be paid for', () => {
    expect(
      spread(
        [
          { length: 10, cost: 100 },
          { length: 5, cost: 1 },
        ],
        120,
      ),
    ).toEqual([1, 5]);
  });
});
