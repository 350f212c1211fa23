import { inputsOf } from '../../src/graph/build.ts';
import type { Graph } from '../../src/graph/types.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportQdq } from '../../src/onnx/export-qdq.ts';
import { importSource } from '../../src/onnx/import.ts';
import { readMetadata } from '../../src/onnx/metadata.ts';
import { fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';

export const defaults = { accBits: 16, lanes: 8, requant: 'float32', place: 'q.onnx' } as const;

/** Through the bytes of a file. */
export async function writtenAndRead(graph: Graph): Promise<Graph> {
  const source = await decodeModel(encodeModel(exportQdq(graph)), 'q.onnx');
  const metadata = readMetadata(source.metadata, 'q.onnx');
  const read = optimize(await importSource(source, { path: `${graph.name}.onnx` }));
  return fuseQdq(read, { ...defaults, metadata });
}

/** Everything that decides what the graph computes, without the tensors' names. */
export function meaningOf(graph: Graph) {
  return graph.nodes.map((node) => ({
    origin: node.origin,
    op: node.op,
    inputs: inputsOf(graph, node).map(({ shape, data, quant }) => ({ shape, data, quant })),
    output: graph.tensors.get(node.outputs[0]!)!.quant,
  }));
}
