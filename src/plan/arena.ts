/** A piece of memory that is needed from step `first` to step `last`, both included. */
export interface Block {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Packing {
  /** One for each block, in the order given; multiples of `alignment`. */
  readonly offsets: readonly number[];
  /** End of the highest block, rounded up to `alignment`. */
  readonly bytes: number;
}

/** Loads of 16 bytes do not cross a cache line where a buffer starts on this boundary. */
export const alignment = 16;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** No arena can be smaller: the most bytes that are needed at one time. */
export function lowerBound(blocks: readonly Block[]): number {
  const steps = blocks.flatMap((b) => [b.first]); // the sum only grows where a block begins
  return Math.max(0, ...steps.map((step) => liveBytes(blocks, step)));
}

function liveBytes(blocks: readonly Block[], step: number): number {
  return blocks.reduce((sum, b) => sum + (b.first <= step && step <= b.last ? alignUp(b.bytes) : 0), 0);
}

/**
 * Packs blocks so that those needed at the same time do not overlap. Largest first is the usual winner of such greedy
 * orders (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020); the others are tried
 * because no order is best for all graphs, and the best is kept.
 */
export function packArena(blocks: readonly Block[]): Packing {
  const size = (i: number): number => blocks[i]!.bytes;
  const span = (i: number): number => blocks[i]!.last - blocks[i]!.first + 1;
  const orders: ((a: number, b: number) => number)[] = [
    (a, b) => size(b) - size(a) || a - b,
    (a, b) => size(b) * span(b) - size(a) * span(a) || a - b,
    (a, b) => span(b) - span(a) || size(b) - size(a) || a - b,
    (a, b) => blocks[a]!.first - blocks[b]!.first || a - b,
  ];
  const indices = blocks.map((_, i) => i);
  const packings = orders.map((order) => firstFit(blocks, indices.toSorted(order)));
  return packings.reduce((best, p) => (p.bytes < best.bytes ? p : best));
}

/** Places the blocks in the order given, each at the lowest offset where it touches no block of its time. */
export function firstFit(blocks: readonly Block[], order: readonly number[]): Packing {
  const offsets = new Array<number>(blocks.length).fill(0);
  const placed: number[] = [];
  let bytes = 0;
  for (const index of order) {
    const block = blocks[index]!;
    const neighbours = placed
      .filter((other) => overlapInTime(block, blocks[other]!))
      .toSorted((a, b) => offsets[a]! - offsets[b]!);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + block.bytes <= offsets[other]!) break;
      offset = Math.max(offset, alignUp(offsets[other]! + blocks[other]!.bytes));
    }
    offsets[index] = offset;
    placed.push(index);
    bytes = Math.max(bytes, offset + block.bytes);
  }
  return { offsets, bytes: alignUp(bytes) };
}

export function overlapInTime(a: Block, b: Block): boolean {
  return a.first <= b.last && b.first <= a.last;
}
