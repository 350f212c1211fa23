import { isKind, producerOf } from '../graph/build.ts';
import type { Graph, TensorId } from '../graph/types.ts';

/** What channels of a pixel of x add up to at most, in steps from the lowest integer; undefined where nothing is kept. */
export function pixelSumOf(graph: Graph, x: TensorId): number | undefined {
  const producer = producerOf(graph, x);
  return producer !== undefined && isKind(producer, 'diffuse') ? producer.op.pixelSum : undefined;
}
