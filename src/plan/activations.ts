import type { Node, TensorId } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';

/** The inputs of a node that live in the arena: all but the weights and the bias of a reduction. */
export function activationsOf(node: Node): readonly TensorId[] {
  return definitionOf(node).reduction === undefined ? node.inputs : node.inputs.slice(0, 1);
}
