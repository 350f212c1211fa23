import type { Graph, Node, Origin } from '../graph/types.ts';
import { badMetadata, type QdqMetadata } from '../onnx/metadata.ts';
import { isReductionNode } from '../quantize/certify.ts';

/**
 * Gives a fused graph the names of the float network and the accumulators and requantization that the metadata says.
 * @throws reject `bad-metadata` where its layers are not those of the graph
 */
export function applyMetadata(graph: Graph, metadata: QdqMetadata, place: string): Graph {
  const layers = [...metadata.layers];
  const nodes = graph.nodes.map((node) => {
    const origin = originalOf(node, metadata);
    if (!isReductionNode(node)) return { ...node, origin };
    const layer = layers.shift();
    if (layer?.name !== origin.name) {
      throw badMetadata(`it does not describe layer "${origin.name}"`, place);
    }
    const { name: _, ...integer } = layer;
    return { ...node, origin, op: { ...node.op, integer } };
  });
  if (layers.length > 0) throw badMetadata(`the network has no layer "${layers[0]?.name}"`, place);
  return { ...graph, nodes };
}

/** Nodes of a written file are called `<original name>/<operator>`. */
function originalOf({ origin }: Node, { operators }: QdqMetadata): Origin {
  const name = origin.name.slice(0, Math.max(0, origin.name.lastIndexOf('/')));
  const opType = operators[name];
  return opType === undefined ? origin : { name, opType };
}
