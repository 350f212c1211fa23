import { must } from '../core/must.ts';
import { consumersOf, isGraphOutput, isKind, outputOf, producerOf, tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { ConcatOp, Graph, Node, TensorId } from '../graph/types.ts';
import type { Selections } from '../kernels/select.ts';

/** [h, w, c] */
export type Point = readonly [number, number, number];

/** Where one input of a concatenation lies in its output. */
export interface Slice {
  readonly input: TensorId;
  readonly at: Point;
}

/** The inputs of a concatenation, one after the other along its axis; its kernel has made sure that they are boxes of H×W×C. */
export function slicesOf(graph: Graph, node: Node<ConcatOp>): Slice[] {
  const { shape } = outputOf(graph, node);
  const { axis } = node.op;
  const fromEnd = shape.length - 1 - axis;
  // H is the product of all axes before W: one index along `axis` is that many rows.
  const rows = fromEnd < 2 ? 1 : sizeOf(shape.slice(axis + 1, -2));
  let start = 0;
  return node.inputs.map((input) => {
    const at: Point = fromEnd === 0 ? [0, 0, start] : fromEnd === 1 ? [0, start, 0] : [start * rows, 0, 0];
    start += must(tensorOf(graph, input).shape[axis], 'extent along the axis');
    return { input, at };
  });
}

/**
 * The tensors that their producers write straight into a concatenation, and where: those which nothing else reads and
 * whose producer can leave gaps between pixels. All other inputs are copied.
 */
export function placedSlices(
  graph: Graph,
  selections: Selections,
): ReadonlyMap<TensorId, { readonly into: TensorId; readonly at: Point }> {
  const placed = new Map<TensorId, { into: TensorId; at: Point }>();
  for (const node of graph.nodes) {
    if (!isKind(node, 'concat')) continue;
    const into = outputOf(graph, node).id;
    for (const { input, at } of slicesOf(graph, node)) {
      if (canWriteInPlace(graph, selections, node, input)) placed.set(input, { into, at });
    }
  }
  return placed;
}

function canWriteInPlace(graph: Graph, selections: Selections, node: Node, input: TensorId): boolean {
  const readers = consumersOf(graph, input);
  const once = readers.length === 1 && node.inputs.filter((id) => id === input).length === 1;
  if (!once || isGraphOutput(graph, input) || tensorOf(graph, input).data !== undefined) return false;
  const producer = producerOf(graph, input);
  // A network input is copied into the arena anyway; a view has no kernel that writes.
  if (producer === undefined) return true;
  if (producer.op.kind === 'reshape' || producer.op.kind === 'transpose') return false;
  return selections.get(producer.id)?.denseOutput !== true;
}
