import { must } from '../../core/must.ts';
import { GraphBuilder, inputsOf, withTensors } from '../../graph/build.ts';
import type {
  Conv2dOp,
  FullyConnectedOp,
  Graph,
  Node,
  NodeId,
  QuantParams,
  Tensor,
  TensorId,
} from '../../graph/types.ts';
import type { RequantFormat } from '../../numeric/requantize.ts';
import { quantizeValue } from '../../ops/quantized.ts';
import { isReductionNode, type ReductionNode } from '../../proof/certify.ts';
import { gridOfConstant } from '../steps/constant-grid.ts';
import { movesValues } from '../steps/groups.ts';
import { roundBiases } from '../weights/bias.ts';
import type { FittedLayer } from '../weights/layer.ts';

/** Weights are int8 and symmetric; −128 is never used, so that a product of weights and its negative are both there. */
const WEIGHT_RANGE = { zeroPoint: 0, qmin: -127, qmax: 127 } as const;

/**
 * The float graph with every activation int8, and the layers' weights, biases and accumulators as fitted.
 * @param activations the quantization of each activation
 * @param fitted by node
 */
export function integerGraph(
  graph: Graph,
  activations: ReadonlyMap<TensorId, QuantParams>,
  fitted: ReadonlyMap<NodeId, FittedLayer>,
  requant: RequantFormat,
): Graph {
  const builder = GraphBuilder.rebuild(graph);
  for (const [id, quant] of activations) {
    const t = must(builder.tensors.get(id), `tensor ${id}`);
    builder.tensors.set(id, { ...t, dtype: 'int8', quant });
  }
  for (const node of graph.nodes) {
    builder.nodes.push(
      isReductionNode(node)
        ? integerLayer(graph, builder, node, must(fitted.get(node.id), `weights of ${node.id}`), requant)
        : integerOperands(graph, builder, node),
    );
  }
  return builder.build();
}

function integerLayer(
  graph: Graph,
  builder: GraphBuilder,
  node: ReductionNode,
  { model, rounded }: FittedLayer,
  requant: RequantFormat,
): Node {
  const [x, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const step = must(builder.tensors.get(x.id)?.quant, `quantization of ${x.id}`).scale[0]!;
  const quant = { scale: rounded.scale, ...WEIGHT_RANGE, axis: 0 };
  const biases = roundBiases(b.data as Float32Array, step, rounded.scale);
  // Fresh ids: two layers may share one float constant, but not its integers.
  const weights = builder.constant(w.id, w.shape, rounded.data, { quant });
  const bias = builder.constant(b.id, b.shape, biases);
  const integer = { requant, accumulator: model, mode: 'proven' } as const;
  return { ...node, op: { ...node.op, integer } satisfies Conv2dOp | FullyConnectedOp, inputs: [x.id, weights, bias] };
}

/**
 * Constants among the inputs of other operators take the quantization of the output where they are moved, or joined to it;
 * those that are computed with have their own.
 */
function integerOperands(graph: Graph, builder: GraphBuilder, node: Node): Node {
  const quant = must(builder.tensors.get(node.outputs[0]!)?.quant, `quantization of ${node.id}`);
  const inputs = inputsOf(graph, node).map((t) => {
    if (t.data === undefined) return t.id;
    const grid = movesValues(node) ? quant : gridOfConstant(t.data);
    return builder.constant(
      t.id,
      t.shape,
      Int8Array.from(t.data, (v) => quantizeValue(v, grid)),
      { quant: grid },
    );
  });
  return { ...node, inputs };
}

/** The graph with other biases for one layer. */
export function withBias(graph: Graph, node: Node, bias: Int32Array): Graph {
  const [, , b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  return withTensors(graph, [{ ...b, data: bias }]);
}
