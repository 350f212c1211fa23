import { must } from '../core/must.ts';
import { GraphBuilder, inputsOf, isKind, outputOf, producerOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { AffineOp, Graph, Node, Tensor } from '../graph/types.ts';
import type { Pass } from './pass.ts';

/** Larger constants are not repeated for every pixel. */
const mostElements = 2 ** 16;

/**
 * Affine operators on values that were rounded to a grid, in networks that are quantized already: adding constants that are
 * on a grid themselves is an Add like any other, one factor and one shift for all channels is a function of one value.
 * Requires: channels-last, fold-batchnorm has run.
 * Guarantees: both forms are gone; other affine operators are left as they are.
 */
export const affineOnGrid: Pass = {
  name: 'affine-on-grid',
  run(graph) {
    if (!graph.nodes.some((n) => isKind(n, 'affine') && isRounded(graph, n))) return graph;
    const b = GraphBuilder.rebuild(graph);
    for (const node of graph.nodes) {
      if (isKind(node, 'affine') && isRounded(graph, node)) rewrite(graph, b, node);
      else b.nodes.push(node);
    }
    return b.build();
  },
};

function isRounded(graph: Graph, node: Node<AffineOp>): boolean {
  return producerOf(graph, node.inputs[0]!)?.op.kind === 'fakeQuant';
}

function rewrite(graph: Graph, b: GraphBuilder, node: Node<AffineOp>): void {
  const [x, scale, shift] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const { outputs, origin } = node;
  const [factors, terms] = [scale, shift].map((t) => must(t.data, t.id)) as [Float32Array, Float32Array];
  const uniform = [factors, terms].every((values) => values.every((v) => v === values[0]));
  if (shift.quant !== undefined && factors.every((v) => v === 1) && sizeOf(x.shape) <= mostElements) {
    const data = Float32Array.from({ length: sizeOf(x.shape) }, (_, i) => terms[i % terms.length]!);
    const constant = b.constant(shift.id, x.shape, data, { quant: shift.quant });
    b.addNode({ kind: 'add' }, [x.id, constant], [outputOf(graph, node).id], origin);
  } else if (uniform) {
    const fn = { name: 'linear', scale: factors[0]!, shift: terms[0]! } as const;
    b.addNode({ kind: 'unary', fn }, [x.id], outputs, origin);
  } else {
    b.nodes.push(node);
  }
}
