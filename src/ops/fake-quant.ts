import type { FakeQuantOp, Node, Tensor } from '../graph/types.ts';
import type { FloatIo, OpDefinition } from './definition.ts';

function float(node: Node<FakeQuantOp>, io: FloatIo): void {
  const { writer } = io;
  const { scale, zeroPoint, qmin, qmax } = node.op.quant;
  const parameters = [
    writer.constant('scale', [], Float32Array.from(scale)),
    writer.constant('zeroPoint', [], Int8Array.of(zeroPoint)),
  ];
  let q = writer.node('QuantizeLinear', [writer.value(io.inputs[0] as Tensor), ...parameters]);
  if (qmin > -128 || qmax < 127) {
    q = writer.node('Clip', [
      q,
      writer.constant('qmin', [], Int8Array.of(qmin)),
      writer.constant('qmax', [], Int8Array.of(qmax)),
    ]);
  }
  writer.bind(io.output, writer.node('DequantizeLinear', [q, ...parameters]));
}

export const fakeQuant: OpDefinition<FakeQuantOp> = {
  kind: 'fakeQuant',
  // Read by `onnx/integer-values` and `onnx/qonnx`, which see more than one node.
  parsers: {},
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
};
