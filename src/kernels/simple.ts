import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Node, Shape } from '../graph/types.ts';
import type { Cost, Operand, Packed } from './kernel.ts';

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

/** A tensor without border, as costs see it. */
export function denseOperand(shape: Shape): Operand {
  const [height = 1, width = 1, channels = 1] = [1, 1, 1, ...shape].slice(-3);
  return { height, width, channels, rowStride: width * channels, pixelStride: channels };
}
