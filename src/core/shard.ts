import { reject } from './diagnostics.ts';

/** One of several parts of the same work, for several machines. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** `2/4`. Rejects what is no shard. */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw reject({
    code: 'bad-flag',
    message: `"${text}" is not a shard`,
    place: '--shard',
    hint: 'It looks like --shard 2/4: the second of four.',
  });
}

/** Every `count`th item, from the shard's own on: neighbours, which cost about the same, go to different shards. */
export function shardOf<T>(items: readonly T[], shard: Shard | undefined): T[] {
  return items.filter((_, i) => shard === undefined || i % shard.count === shard.index - 1);
}

/** Undoes `shardOf`: the first of each part, the second of each part, … */
export function interleaved<T>(parts: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...parts.map((part) => part.length));
  return Array.from({ length: longest }, (_, i) => parts.flatMap((part) => part.slice(i, i + 1))).flat();
}
