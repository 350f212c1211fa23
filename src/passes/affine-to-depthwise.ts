import { must } from '../core/must.ts';
import { GraphBuilder, inputsOf, isKind, outputOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { AffineOp, Conv2dOp, Graph, Node, Shape, Tensor, TensorId } from '../graph/types.ts';
import type { Pass } from './pass.ts';

/**
 * Turns the affine operators that could not be folded into depthwise 1×1 convolutions.
 * Requires: channels-last (after nhwc-layout), fold-batchnorm has run.
 * Guarantees: no affine operator is left.
 */
export const affineToDepthwise: Pass = {
  name: 'affine-to-depthwise',
  run(graph) {
    if (!graph.nodes.some((n) => isKind(n, 'affine'))) return graph;
    const b = GraphBuilder.rebuild(graph);
    for (const node of graph.nodes) {
      if (isKind(node, 'affine')) convolve(graph, b, node);
      else b.nodes.push(node);
    }
    return b.build();
  },
};

function convolve(graph: Graph, b: GraphBuilder, node: Node<AffineOp>): void {
  const [x, scale, shift] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const output = outputOf(graph, node);
  const channels = scale.shape[0]!;
  const image: Shape = x.shape.length === 4 ? x.shape : [1, 1, sizeOf(x.shape) / channels, channels];
  const weights = b.constant(`${scale.id}.depthwise`, [channels, 1, 1, 1], must(scale.data, scale.id));
  const op: Conv2dOp = { kind: 'conv2d', strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: channels };
  const view = (id: TensorId, shape: Shape): TensorId => b.addTensor({ id: b.freshId(id), shape, dtype: 'float32' });
  if (x.shape.length === 4) {
    b.addNode(op, [x.id, weights, shift.id], [output.id], node.origin);
    return;
  }
  const before = view(`${x.id}.image`, image);
  const after = view(`${output.id}.image`, image);
  b.addNode({ kind: 'reshape', shape: image }, [x.id], [before], node.origin);
  b.addNode(op, [before, weights, shift.id], [after], node.origin);
  b.addNode({ kind: 'reshape', shape: output.shape }, [after], [output.id], node.origin);
}
