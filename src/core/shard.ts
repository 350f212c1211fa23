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

/** What a shard of a run found; without a shard, all of it. */
export interface Part {
  readonly shard?: Shard;
}

/**
 * Undoes `shardOf`: the first of each part, the second of each part, …
 * @param parts all shards of a run, in any order, or the whole run
 * @throws reject `shards-do-not-fit` where one is missing, there twice, or of a run in other parts
 */
export function joined<P extends Part, T>(parts: readonly P[], itemsOf: (part: P) => readonly T[]): T[] {
  const whole = { index: 1, count: 1 };
  const count = parts[0]?.shard?.count ?? 1;
  const shards = Array.from({ length: count }, (_, i) =>
    parts.filter(({ shard = whole }) => shard.index === i + 1 && shard.count === count),
  );
  const missing = shards.findIndex((found) => found.length === 0);
  if (missing >= 0) throw misfit(parts, `shard ${missing + 1}/${count} is missing`);
  if (parts.length > count) throw misfit(parts, 'some are there twice or of another run');
  const items = shards.map(([part]) => itemsOf(part!));
  const longest = Math.max(0, ...items.map((own) => own.length));
  return Array.from({ length: longest }, (_, i) => items.flatMap((own) => own.slice(i, i + 1))).flat();
}

function misfit(parts: readonly Part[], why: string) {
  const named = parts.map(({ shard }) => (shard ? `${shard.index}/${shard.count}` : 'a whole run')).join(', ');
  return reject({
    code: 'shards-do-not-fit',
    message: `the files are not all shards of one run: ${why}`,
    place: `the files, of ${named}`,
    hint: 'Name the results of all shards of one run, each once. If a shard did not end, run it again.',
  });
}
