import { must } from '../core/must.ts';
import type { Shape } from '../graph/types.ts';
import { type InterleaveLeaf, interleavedInstructions, interleavingOf, nestInterleaved } from './interleave.ts';
import type { Operand } from './kernel.ts';
import {
  axisStrides,
  type Loop,
  type LoopBase,
  type LoopNest,
  mergeLoops,
  nestLoops,
  type Reference,
  splitRuns,
} from './loops.ts';

/** The innermost body of a copy: `bytes` that lie next to each other on both sides. */
interface CopyLeaf {
  readonly from: Reference;
  readonly to: Reference;
  readonly bytes: number;
  readonly single: boolean;
}

export interface CopyView {
  readonly loops: LoopNest<CopyLeaf>;
  /** What the NEON body does instead; undefined where it copies the same runs. */
  readonly neon: LoopNest<InterleaveLeaf> | undefined;
}

/** Copies all elements of a tensor of `shape`; output axis i is the input's axis `perm[i]`, or i. */
export function copyView(shape: Shape, from: Operand, to: Operand, perm?: readonly number[]): CopyView {
  return copyLoops(copiedLoops(shape, from, to, perm));
}

/** Copies a tensor that may hold any integers to one that may hold those of `lo` to `hi` only. */
export function clampView(shape: Shape, from: Operand, to: Operand, { lo, hi }: { lo: number; hi: number }) {
  return { loops: nestRuns(mergeLoops(copiedLoops(shape, from, to)), 'clamp-leaf'), lo, hi };
}

/** The loops of `copyView`, as they come. */
export function copiedLoops(shape: Shape, from: Operand, to: Operand, perm?: readonly number[]): Loop[] {
  const source = axisStrides(perm === undefined ? shape : inputShape(shape, perm), from);
  const target = axisStrides(shape, to);
  const axisOf = (axis: number) => perm?.[axis] ?? axis;
  return shape.map((count, axis) => ({ count, strides: [source[axisOf(axis)]!, target[axis]!] }));
}

const wholeInput: LoopBase = { name: 'x', offset: 0 };
const wholeOutput: LoopBase = { name: 'y', offset: 0 };

/** Copies `loops`, whose strides are those of the source and of the target. */
export function copyLoops(loops: readonly Loop[], target = wholeOutput, source = wholeInput): CopyView {
  const merged = mergeLoops(loops);
  const interleaving = splitRuns(merged).run === 1 ? interleavingOf(merged) : undefined;
  return {
    neon: interleaving && nestInterleaved(interleaving, source, target),
    loops: nestRuns(merged, 'copy-leaf', target, source),
  };
}

/** Merged loops around what lies next to each other on both sides; `leaf` is the partial that copies it. */
function nestRuns(
  merged: readonly Loop[],
  leaf: 'copy-leaf' | 'clamp-leaf',
  target = wholeOutput,
  source = wholeInput,
): LoopNest<CopyLeaf> {
  const { outer, run } = splitRuns(merged);
  return nestLoops(outer, [source, target], leaf, ([from, to]) => ({
    from: must(from, 'source'),
    to: must(to, 'target'),
    bytes: run,
    single: run === 1,
  }));
}

function inputShape(shape: Shape, perm: readonly number[]): Shape {
  const input = new Array<number>(shape.length).fill(1);
  perm.forEach((axis, i) => {
    input[axis] = shape[i]!;
  });
  return input;
}

/** Instructions that copying takes, nearly. */
export function copyInstructions(loops: readonly Loop[]): number {
  const merged = mergeLoops(loops);
  const size = merged.reduce((product, { count }) => product * count, 1);
  const { run } = splitRuns(merged);
  const interleaving = run === 1 ? interleavingOf(merged) : undefined;
  if (interleaving !== undefined) return 20 + size * interleavedInstructions(interleaving);
  return 20 + (size / run) * (run === 1 ? 4 : 4 + 2 * Math.ceil(run / 16));
}
