import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { Operand } from './kernel.ts';
import { axisStrides, type Loop, type LoopNest, mergeLoops, nestLoops, type Reference } from './loops.ts';

/** An operand of the innermost body. */
export interface ElementwiseOperand {
  /** Its next sixteen elements in NEON; where it is broadcast along the run, one of them sixteen times. */
  readonly load: string;
  /** Its next element in C. */
  readonly element: string;
}

export interface ElementwiseLeaf {
  readonly run: number;
  readonly tail: boolean;
  readonly a: ElementwiseOperand;
  readonly b: ElementwiseOperand;
  readonly y: Reference;
}

export interface ElementwiseView {
  readonly run: number;
  readonly tail: boolean;
  readonly neon: LoopNest<ElementwiseLeaf>;
  readonly portable: LoopNest<ElementwiseLeaf>;
}

/**
 * Loops of an operator of two operands around runs of elements that follow each other in the output; an operand of extent
 * 1 stands still along that axis.
 * @param name partials `<name>-neon-leaf` and `<name>-portable-leaf` are the innermost bodies
 */
export function elementwiseView(
  name: string,
  node: Node,
  graph: Graph,
  inputs: readonly Operand[],
  output: Operand,
): ElementwiseView {
  const { shape } = outputOf(graph, node);
  const strides = inputsOf(graph, node).map((t, i) => {
    const own = axisStrides(t.shape, must(inputs[i], 'operand'));
    return own.map((stride, axis) => (t.shape[axis] === 1 ? 0 : stride));
  });
  const target = axisStrides(shape, output);
  const loops = mergeLoops(
    shape.map((count, axis) => ({ count, strides: [...strides.map((s) => s[axis]!), target[axis]!] })),
  );
  const { outer, last } = runsOf(loops);
  const uniform = last.strides.map((stride) => stride === 0);
  const common = { run: last.count, tail: last.count % 16 !== 0 };
  const nest = (leaf: string) =>
    nestLoops(outer, ['a', 'b', 'y'], leaf, (references) => {
      const [a, b, y] = references as [Reference, Reference, Reference];
      return { ...common, a: operandOf(a, uniform[0]!), b: operandOf(b, uniform[1]!), y };
    });
  return {
    ...common,
    neon: nest(`${name}-neon-leaf`),
    portable: nest(`${name}-portable-leaf`),
  };
}

function operandOf({ address, first, element }: Reference, uniform: boolean): ElementwiseOperand {
  return uniform ? { load: `vdupq_n_s8(${first})`, element: first } : { load: `vld1q_s8(${address} + e)`, element };
}

function runsOf(loops: readonly Loop[]): { readonly outer: readonly Loop[]; readonly last: Loop } {
  const last = loops.at(-1);
  const single: Loop = { count: 1, strides: [0, 0, 1] };
  if (last === undefined) return { outer: [], last: single };
  const follows = last.strides.at(-1) === 1 && last.strides.every((stride) => stride === 0 || stride === 1);
  return follows ? { outer: loops.slice(0, -1), last } : { outer: loops, last: single };
}
