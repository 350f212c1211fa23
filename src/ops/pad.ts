import { formatShape, sizeOf, stridesOf } from '../graph/shape.ts';
import type { Node, PadOp, Shape, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { storedAxis } from './onnx-writer.ts';
import { quantizeValue, quantOf, requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';

/** ONNX Pad with a constant: attributes before opset 11, inputs since, some of the axes since 18. */
function parse(im: Importer): void {
  const { attributes, opset } = im.node;
  const mode = attributes.string('mode', 'constant');
  if (mode !== 'constant') throw im.refuse(`Pad in ${mode} mode`, 'Only constant padding is supported.');
  const x = im.input(0);
  const rank = x.shape.length;
  const given = opset < 11 ? attributes.ints('pads') : Array.from(im.constant(1).data);
  const value = opset < 11 ? attributes.float('value', 0) : im.has(2) ? im.constant(2).data[0]! : 0;
  const axes = im.has(3)
    ? Array.from(im.constant(3).data, (axis) => normalizeAxis(im, axis, rank))
    : x.shape.map((_, axis) => axis);
  if (given.length !== 2 * axes.length) {
    throw im.invalid(`pads ${given.join(', ')} do not fit an input of ${formatShape(x.shape)}`);
  }
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[rank + axis] = given[i + axes.length]!;
  });
  if (pads.some((p) => p < 0)) throw im.refuse('negative pads', 'Cropping is not supported.');
  if (!Number.isFinite(value)) throw im.refuse(`padding with ${value}`, 'Pad with a finite value.');
  im.bind(pads.every((p) => p === 0) ? x : im.emit({ kind: 'pad', pads, value }, [x.id]));
}

function infer(node: Node<PadOp>, inputs: readonly Tensor[]): Shape {
  const { shape } = inputs[0] as Tensor;
  const { pads } = node.op;
  return shape.map((d, i) => d + pads[i]! + pads[i + shape.length]!);
}

function float(node: Node<PadOp>, io: FloatIo): void {
  emitPad(node.op, io, node.op.value);
}

function exact(node: Node<PadOp>, io: ExactIo): void {
  const quant = quantOf(io.output);
  emitPad(node.op, io, quantizeValue(node.op.value, quant) - quant.zeroPoint);
}

function emitPad(op: PadOp, io: FloatIo, fill: number): void {
  const { writer } = io;
  const rank = io.output.shape.length;
  const stored = new Float64Array(2 * rank);
  for (let axis = 0; axis < rank; axis++) {
    stored[storedAxis(axis, rank)] = op.pads[axis]!;
    stored[rank + storedAxis(axis, rank)] = op.pads[rank + axis]!;
  }
  const pads = writer.constant('pads', [2 * rank], stored);
  const value = writer.constant('value', [], Float32Array.of(fill));
  const x = writer.value(io.inputs[0] as Tensor);
  writer.bind(io.output, writer.node('Pad', [x, pads, value], { mode: 'constant' }));
}

/** The steps, surrounded by the step that `value` rounds to; input and output have one quantization. */
function integer(node: Node<PadOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const [x] = io.values as [Int8Array];
  const { shape } = io.inputs[0] as Tensor;
  const out = new Int8Array(sizeOf(io.output.shape)).fill(quantizeValue(node.op.value, quantOf(io.output)));
  const [from, to] = [stridesOf(shape), stridesOf(io.output.shape)];
  for (let i = 0; i < x.length; i++) {
    const at = shape.reduce(
      (sum, d, axis) => sum + ((Math.floor(i / from[axis]!) % d) + node.op.pads[axis]!) * to[axis]!,
      0,
    );
    out[at] = x[i]!;
  }
  return out;
}

export const pad: OpDefinition<PadOp> = { kind: 'pad', parsers: { Pad: parse }, infer, float, integer, exact };
