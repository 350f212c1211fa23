import { must } from '../core/must.ts';
import { type Loop, type LoopBase, type LoopNest, nestLoops } from './loops.ts';

/**
 * Bytes that two, three or four places take in turns: the NEON instructions that store several registers element by element
 * in turns, or load them so. A channel shuffle of g ≤ 4 groups is one, back and forth.
 */
export interface Interleaving {
  /** Loops around it. */
  readonly outer: readonly Loop[];
  /** True where the bytes in turns are the target's. */
  readonly stores: boolean;
  readonly parts: 2 | 3 | 4;
  /** Bytes from one part to the next, where they lie apart. */
  readonly apart: number;
  /** Bytes of a part. */
  readonly count: number;
}

/** The innermost body. */
export interface InterleaveLeaf {
  readonly stores: boolean;
  readonly count: number;
  readonly lanes: 8 | 16;
  /** Parts start at most here, the last of them over others: what is copied twice is the same. */
  readonly last: number;
  /** `q` in the names of intrinsics for registers of 16 bytes. */
  readonly q: 'q' | '';
  readonly turns: number;
  /** Address of the bytes in turns. */
  readonly together: string;
  readonly parts: readonly { readonly index: number; readonly address: string }[];
}

/**
 * Finds the loop over the parts and that over their bytes.
 * @param loops merged; strides are those of source and target
 */
export function interleavingOf(loops: readonly Loop[]): Interleaving | undefined {
  for (const over of loops) {
    if (over.count < 2 || over.count > 4) continue;
    for (const along of loops) {
      if (along === over || along.count < 8) continue;
      for (const stores of [true, false]) {
        const [apart, together] = stores ? [0, 1] : [1, 0];
        const inTurns = over.strides[together] === 1 && along.strides[together] === over.count;
        if (!inTurns || along.strides[apart] !== 1) continue;
        const outer = loops.filter((loop) => loop !== over && loop !== along);
        const parts = over.count as Interleaving['parts'];
        return { outer, stores, parts, apart: over.strides[apart]!, count: along.count };
      }
    }
  }
  return undefined;
}

export function nestInterleaved(
  { outer, stores, parts, apart, count }: Interleaving,
  source: LoopBase,
  target: LoopBase,
): LoopNest<InterleaveLeaf> {
  const lanes = lanesOf(count);
  return nestLoops(outer, [source, target], 'interleave-leaf', (references) => {
    const [from, to] = references.map(({ address }) => address);
    const first = must(stores ? from : to, 'address');
    return {
      ...{ stores, count, lanes, last: count - lanes, q: lanes === 16 ? 'q' : '', turns: parts },
      together: must(stores ? to : from, 'address'),
      parts: Array.from({ length: parts }, (_, index) => ({
        index,
        address: index === 0 ? first : `${first} + ${index * apart}`,
      })),
    };
  });
}

/** Whole registers where a part has the bytes for one. */
function lanesOf(count: number): 8 | 16 {
  return count >= 16 ? 16 : 8;
}

/** For each byte: loads, stores, and what loops take. */
export function interleavedInstructions({ parts, count }: Interleaving): number {
  const lanes = lanesOf(count);
  return ((parts + 6) * Math.ceil(count / lanes) + 4) / (parts * count);
}
