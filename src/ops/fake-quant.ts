import type { FakeQuantOp, Node, Tensor } from '../graph/types.ts';
import type { FloatIo, OpDefinition } from './definition.ts';

/**
 * Not as QuantizeLinear and DequantizeLinear: between those ONNX Runtime rounds the weights and the bias of a layer to int8
 * and int32 too, where they are in float (WeightBiasQuantization, seen in 1.30), and computes another network.
 */
function float(node: Node<FakeQuantOp>, { writer, inputs, output }: FloatIo): void {
  const { scale, zeroPoint, qmin, qmax } = node.op.quant;
  const constant = (name: string, value: number) => writer.constant(name, [], Float32Array.of(value));
  const step = constant('scale', scale[0]!);
  const ratio = writer.node('Div', [writer.value(inputs[0] as Tensor), step]);
  const bounds = [constant('least', qmin - zeroPoint), constant('most', qmax - zeroPoint)];
  const rounded = writer.node('Clip', [writer.node('Round', [ratio]), ...bounds]);
  writer.bind(output, writer.node('Mul', [rounded, step]));
}

export const fakeQuant: OpDefinition<FakeQuantOp> = {
  kind: 'fakeQuant',
  // Read by `onnx/integer-values` and `onnx/qonnx`, which see more than one node.
  parsers: {},
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
};
