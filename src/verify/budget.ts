/** Things to try, of one cost each, the most telling first. */
export interface Queue {
  readonly length: number;
  /** Cost of one. */
  readonly cost: number;
}

/**
 * How many of each queue to take within a budget: every queue's first whatever it costs, then always one more of the queue
 * of which the smallest part is taken, as long as it can be paid for. The same answer for the same input.
 */
export function spread(queues: readonly Queue[], budget: number): readonly number[] {
  const taken = queues.map((q) => Math.min(1, q.length));
  let left = budget - queues.reduce((sum, q, i) => sum + q.cost * taken[i]!, 0);
  const open = new Set(queues.map((_, i) => i).filter((i) => taken[i]! < queues[i]!.length));
  while (open.size > 0) {
    const next = [...open].reduce((best, i) =>
      taken[i]! / queues[i]!.length < taken[best]! / queues[best]!.length ? i : best,
    );
    if (queues[next]!.cost > left) {
      open.delete(next);
      continue;
    }
    left -= queues[next]!.cost;
    if (++taken[next]! >= queues[next]!.length) open.delete(next);
  }
  return taken;
}
