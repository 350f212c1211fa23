import { must } from '../core/must.ts';
import type { TensorId } from '../graph/types.ts';
import type { Block } from './arena.ts';
import { type Buffer, bufferBytes, type Locations } from './buffers.ts';

/** The tensors that a step reads and the one it writes, where these are in the arena. */
export interface Access {
  readonly reads: readonly TensorId[];
  readonly write?: TensorId;
}

export interface BufferLife extends Block {
  readonly buffer: Buffer;
}

/** Each buffer with the steps in which something in it is read or written; in the order in which they are first written. */
export function bufferLives(accesses: readonly Access[], locations: Locations): BufferLife[] {
  const lives = new Map<Buffer, { first: number; last: number }>();
  accesses.forEach(({ reads, write }, step) => {
    for (const id of write === undefined ? reads : [...reads, write]) {
      const { buffer } = must(locations.get(id), `location of ${id}`);
      const life = lives.get(buffer);
      if (life === undefined) lives.set(buffer, { first: step, last: step });
      else life.last = step;
    }
  });
  return [...lives].map(([buffer, life]) => ({ buffer, bytes: bufferBytes(buffer), ...life }));
}
