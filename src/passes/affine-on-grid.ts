import { must } from '../core/must.ts';
import { GraphBuilder, inputsOf, isKind, outputOf, producerOf } from '../graph/build.ts';
import type { AffineOp, Graph, Node, Tensor } from '../graph/types.ts';
import type { Pass } from './pass.ts';

/**
 * Affine operators on values that were rounded to a grid, in networks that are quantized already: adding or multiplying by
 * constants that are on a grid themselves is an Add or Mul like any other, one factor and one shift for all channels is a function of one value.
 * Requires: channels-last, fold-batchnorm has run.
 * Guarantees: these forms are gone; other affine operators are left as they are.
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
  const operand = (t: Tensor): string => {
    const shape = x.shape.map((d, axis) => (axis === x.shape.length - 1 ? d : 1));
    return b.constant(t.id, shape, must(t.data, t.id), { quant: must(t.quant, t.id) });
  };
  const output = outputOf(graph, node).id;
  if (shift.quant !== undefined && factors.every((v) => v === 1)) {
    b.addNode({ kind: 'add' }, [x.id, operand(shift)], [output], origin);
  } else if (scale.quant !== undefined && terms.every((v) => v === 0) && !uniform) {
    b.addNode({ kind: 'mul' }, [x.id, operand(scale)], [output], origin);
  } else if (uniform) {
    const fn = { name: 'linear', scale: factors[0]!, shift: terms[0]! } as const;
    b.addNode({ kind: 'unary', fn }, [x.id], outputs, origin);
  } else {
    b.nodes.push(node);
  }
}
