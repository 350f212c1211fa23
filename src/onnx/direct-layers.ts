import { GraphBuilder, inputsOf, isKind, outputOf } from '../graph/build.ts';
import type { Graph, Node, Tensor, WinogradOp } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import { directForm } from '../ops/winograd-direct.ts';

/**
 * The graph with plain quantized convolutions in the place of Winograd ones, for files that others read: 8-bit weights, which
 * only resemble what the layer computes. What it does compute stands in the metadata.
 */
export function withDirectLayers(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isKind(node, 'winograd'))) return graph;
  const builder = GraphBuilder.rebuild(graph);
  for (const node of graph.nodes) builder.nodes.push(isKind(node, 'winograd') ? direct(graph, builder, node) : node);
  return builder.build();
}

function direct(graph: Graph, builder: GraphBuilder, node: Node<WinogradOp>): Node {
  const inputs = inputsOf(graph, node);
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor];
  const { weights, bias } = directForm(node, inputs, outputOf(graph, node));
  const [outputs, channels] = [bias.length, x.shape[3]!];
  const length = 9 * channels;
  const { step } = quantOf(x);
  const scale = Array.from(bias, (real, o) => {
    const largest = weights.subarray(o * length, (o + 1) * length).reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    // Biases stay where float32 holds them.
    return Math.fround(Math.max(largest / 127, Math.abs(real) / (step * 2 ** 22), 2 ** -60));
  });
  const data = Int8Array.from(weights, (v, i) =>
    Math.max(-127, Math.min(127, Math.round(v / scale[Math.floor(i / length)]!))),
  );
  const quant = { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const own = [
    x.id,
    builder.constant(w.id, [outputs, 3, 3, channels], data, { quant }),
    builder.constant(
      b.id,
      b.shape,
      Int32Array.from(bias, (real, o) => Math.round(real / (step * scale[o]!))),
    ),
  ];
  const { pads, clamp, integer } = node.op;
  const op = { kind: 'conv2d', strides: [1, 1], dilations: [1, 1], groups: 1, pads, integer } as const;
  return { ...node, op: clamp === undefined ? op : { ...op, clamp }, inputs: own };
}
