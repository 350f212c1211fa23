import type { FakeQuantOp, Node, QuantParams, Tensor } from '../graph/types.ts';
import type { FloatIo, OpDefinition } from './definition.ts';
import type { Importer } from './source.ts';

/**
 * The importer's name for a chain QuantizeLinear → [Clip] → DequantizeLinear on a computed tensor, with the inputs
 * x, scale, zero point, and the Clip's bounds where there are some.
 */
export const fakeQuantize = 'QuantizeLinear+DequantizeLinear';

function parse(im: Importer): void {
  const scale = im.constant(1).data;
  if (scale.length !== 1) {
    throw im.refuse('activations with a scale for each channel', 'Quantize activations with one scale a tensor.');
  }
  im.bind(im.emit({ kind: 'fakeQuant', quant: signedQuant(im, scale[0]!) }, [im.input(0).id]));
}

/**
 * The grid in signed integers: unsigned ones move down by half of their range, zero point and bounds alike, which
 * leaves every real value where it was.
 */
function signedQuant(im: Importer, scale: number): QuantParams {
  const zero = im.has(2) ? im.constant(2) : undefined;
  const dtype = zero?.dtype ?? 'uint8';
  if (dtype !== 'uint8' && dtype !== 'int8') {
    throw im.refuse(`quantization to ${dtype}`, 'Quantize activations to int8 or uint8.');
  }
  const [least, most] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const lo = im.has(3) ? Math.max(least, im.constant(3).data[0]!) : least;
  const hi = im.has(4) ? Math.min(most, im.constant(4).data[0]!) : most;
  if (!(lo < hi)) throw im.invalid(`it clips to [${lo}, ${hi}]`);
  const half = dtype === 'uint8' ? 2 ** Math.ceil(Math.log2(hi + 1)) / 2 : 0;
  return { scale: [scale], zeroPoint: (zero?.data[0] ?? 0) - half, qmin: lo - half, qmax: hi - half };
}

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
  parsers: { [fakeQuantize]: parse },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
};
