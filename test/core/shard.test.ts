import { expect, test } from 'vitest';
import { joined, type Part, parseShard, shardOf } from '../../src/core/shard.ts';

const items = Array.from({ length: 11 }, (_, i) => i);

test.each([1, 2, 3, 4, 11, 20])('%i shards hold every item once, and merge in the old order', (count) => {
  const parts = Array.from({ length: count }, (_, i) => shardOf(items, { index: i + 1, count }));
  expect(parts.flat().length).toBe(items.length);
  expect(Math.max(...parts.map((p) => p.length)) - Math.min(...parts.map((p) => p.length))).toBeLessThanOrEqual(1);
  const named = parts.map((own, i) => ({ shard: { index: i + 1, count }, own }));
  expect(joined(named, ({ own }) => own)).toEqual(items);
  expect(joined(named.toReversed(), ({ own }) => own)).toEqual(items);
});

test('one that is missing, there twice, or of other parts is refused', () => {
  const part = (index: number, count: number) => ({ shard: { index, count } });
  const join = (...parts: Part[]) => joined(parts, () => items);
  expect(join({})).toEqual(items);
  expect(() => join(part(1, 2))).toThrow('shard 2/2 is missing');
  expect(() => join(part(3, 3), part(1, 3))).toThrow('shard 2/3 is missing');
  expect(() => join(part(1, 2), part(1, 2))).toThrow('shard 2/2 is missing');
  expect(() => join(part(1, 2), {})).toThrow('shard 2/2 is missing');
  expect(() => join(part(1, 2), part(2, 2), part(1, 2))).toThrow('some are there twice or of another run');
  expect(() => join({}, {})).toThrow('some are there twice or of another run');
});

test('without a shard all are taken', () => {
  expect(shardOf(items, undefined)).toEqual(items);
});

test('a shard is written i/n', () => {
  expect(parseShard('2/4')).toEqual({ index: 2, count: 4 });
  for (const text of ['0/4', '5/4', '2', '1/0', 'a/b', '1/2/3'])
    expect(() => parseShard(text)).toThrow('is not a shard');
});
