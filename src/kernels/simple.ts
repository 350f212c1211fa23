import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { Cost, Packed } from './kernel.ts';

/** For kernels without constants. */
export const nothingPacked: Packed = { arrays: [] };

/** Elements of the node's output. */
export function outputSize(node: Node, graph: Graph): number {
  return sizeOf(tensorOf(graph, node.outputs[0]!).shape);
}

/** The cost of a kernel whose NEON body does 16 output elements in `instructions`, with 20 for entry and exit. */
export function perSixteen(node: Node, graph: Graph, instructions: number): Cost {
  return { instructions: 20 + (outputSize(node, graph) / 16) * instructions };
}
