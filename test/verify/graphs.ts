import { createRandom } from '../../src/core/random.ts';
import { GraphBuilder, tensorOf } from '../../src/graph/build.ts';
import type { AccumulatorModel, Conv2dOp, Graph, Node, Pads, Pair, Shape, Tensor } from '../../src/graph/types.ts';
import { wideGrid } from '../../src/ops/diffusion.ts';
import { definitionOf } from '../../src/ops/index.ts';
import { quantOf } from '../../src/ops/quantized.ts';

export interface ConvolutionCase {
  readonly input: readonly [number, number, number];
  readonly channels: number;
  readonly kernel: Pair;
  readonly strides?: Pair;
  readonly pads?: Pads;
  readonly dilations?: Pair;
  readonly groups?: number;
  readonly accumulator: AccumulatorModel;
  readonly range?: readonly [number, number];
}

/** A graph of one quantized convolution with seeded weights of every size, −128 and 127 among them. */
export function convolutionGraph(c: ConvolutionCase, seed = 1): Graph {
  const { channels, kernel, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], groups = 1 } = c;
  const random = createRandom(seed);
  const b = new GraphBuilder('one-layer');
  const [qmin, qmax] = c.range ?? [-128, 127];
  const x = b.addTensor({
    id: 'x',
    shape: [1, ...c.input],
    dtype: 'int8',
    quant: { scale: [0.5], zeroPoint: qmin, qmin, qmax },
  });
  const shape: Shape = [channels, ...kernel, c.input[2] / groups];
  const size = shape.reduce((product, d) => product * d, 1);
  const weights = Int8Array.from({ length: size }, () => random.int(-128, 127));
  const w = b.constant('w', shape, weights, {
    quant: { scale: new Array<number>(channels).fill(0.25), zeroPoint: 0, qmin: -128, qmax: 127, axis: 0 },
  });
  const bias = b.constant(
    'b',
    [channels],
    Int32Array.from({ length: channels }, () => random.int(-500, 500)),
  );
  const op: Conv2dOp = {
    kind: 'conv2d',
    strides,
    pads,
    dilations,
    groups,
    integer: { requant: 'fixed', accumulator: c.accumulator, mode: 'proven' },
  };
  return withOutput(b, op, [x, w, bias]);
}

/** A layer's graph, its input behind error diffusion that keeps what the channels of a pixel add up to. */
export function limitedGraph(graph: Graph, pixelSum: number): Graph {
  const x = tensorOf(graph, graph.inputs[0]!.tensor);
  const b = GraphBuilder.rebuild(graph);
  const wide = b.addTensor({ ...x, id: 'wide', quant: wideGrid(quantOf(x)) });
  b.addNode({ kind: 'diffuse', pixelSum }, [wide], [x.id], { name: 'diffused', opType: 'Identity' });
  b.nodes.push(...graph.nodes);
  return { ...b.build(), inputs: graph.inputs.map((port) => ({ ...port, tensor: wide })) };
}

/** A graph of one quantized fully connected layer over `rows` samples. */
export function fullyConnectedGraph(
  rows: number,
  length: number,
  channels: number,
  accumulator: AccumulatorModel,
): Graph {
  const random = createRandom(3);
  const b = new GraphBuilder('one-layer');
  const quant = { scale: [0.5], zeroPoint: 3, qmin: -100, qmax: 120 };
  const x = b.addTensor({ id: 'x', shape: [rows, length], dtype: 'int8', quant });
  const weights = Int8Array.from({ length: channels * length }, () => random.int(-128, 127));
  const w = b.constant('w', [channels, length], weights, {
    quant: { scale: new Array<number>(channels).fill(0.25), zeroPoint: 0, qmin: -128, qmax: 127, axis: 0 },
  });
  const bias = b.constant('b', [channels], new Int32Array(channels));
  const op = { kind: 'fullyConnected', integer: { requant: 'fixed', accumulator, mode: 'proven' } } as const;
  return withOutput(b, op, [x, w, bias]);
}

function withOutput(b: GraphBuilder, op: Node['op'], inputs: readonly string[]): Graph {
  const origin = { name: 'layer', opType: op.kind };
  const tensors = inputs.map((id) => b.tensors.get(id) as Tensor);
  const shape = definitionOf({ id: 'layer', op, inputs, outputs: ['y'], origin }).infer(
    { id: 'layer', op, inputs, outputs: ['y'], origin },
    tensors,
  );
  b.addTensor({ id: 'y', shape, dtype: 'int8', quant: { scale: [400], zeroPoint: 5, qmin: -128, qmax: 127 } });
  b.addNode(op, inputs, ['y'], origin);
  b.inputs.push({ name: 'x', tensor: 'x', shape: tensors[0]!.shape, views: [] });
  b.outputs.push({ name: 'y', tensor: 'y', shape, views: [] });
  return b.build();
}
