import type { Node, TensorId } from '../graph/types.ts';

/** The inputs of a node that live in the arena: all but the weights and the bias of a reduction. */
export function activationsOf(node: Node): readonly TensorId[] {
  return node.op.kind === 'conv2d' || node.op.kind === 'fullyConnected' ? node.inputs.slice(0, 1) : node.inputs;
}
