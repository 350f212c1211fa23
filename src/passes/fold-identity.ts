import { tensorOf } from '../graph/build.ts';
import { isIdentityPermutation, sameShape } from '../graph/shape.ts';
import type { Graph, Node } from '../graph/types.ts';
import { bypassed, type Pass, untilStable } from './pass.ts';

/**
 * Removes operators that do nothing.
 * Requires: nothing.
 * Guarantees: no identity functions, open clips, zero pads, or views that change nothing are left.
 */
export const foldIdentity: Pass = {
  name: 'fold-identity',
  run: (graph) => untilStable(graph, (g, node) => (doesNothing(g, node) ? bypassed(g, node) : undefined)),
};

function doesNothing(graph: Graph, { op, inputs }: Node): boolean {
  switch (op.kind) {
    case 'unary':
      return op.fn.name === 'identity' || (op.fn.name === 'clip' && op.fn.lo === -Infinity && op.fn.hi === Infinity);
    case 'pad':
      return op.pads.every((p) => p === 0);
    case 'transpose':
      return isIdentityPermutation(op.perm);
    case 'reshape':
      return sameShape(op.shape, tensorOf(graph, inputs[0]!).shape);
    default:
      return false;
  }
}
