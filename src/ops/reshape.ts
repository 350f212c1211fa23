import { formatShape, sameShape, sizeOf } from '../graph/shape.ts';
import type { Node, ReshapeOp, Shape, Tensor } from '../graph/types.ts';
import { parseAxes } from './axes.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer, SourceParser } from './source.ts';
import { fromStored, toStored } from './stored.ts';

function parseTo(shapeOf: (im: Importer, x: Tensor) => Shape): SourceParser {
  return (im) => {
    const x = im.input(0);
    const shape = shapeOf(im, x);
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw im.invalid(`${formatShape(x.shape)} cannot become ${formatShape(shape)}`);
    }
    im.bind(sameShape(shape, x.shape) ? x : im.emit({ kind: 'reshape', shape }, [x.id]));
  };
}

/** ONNX Reshape: 0 keeps an extent (unless `allowzero`), −1 takes the rest. */
function reshaped(im: Importer, x: Tensor): Shape {
  const keepsZero = im.node.attributes.int('allowzero', 0) !== 0;
  const raw = Array.from(im.constant(1).data);
  const dims = raw.map((d, i) => (d === 0 && !keepsZero ? (x.shape[i] ?? 0) : d));
  const known = dims.reduce((product, d) => (d === -1 ? product : product * d), 1);
  return dims.map((d) => (d === -1 ? sizeOf(x.shape) / known : d));
}

function flattened(im: Importer, x: Tensor): Shape {
  const axis = im.node.attributes.int('axis', 1);
  const split = axis < 0 ? axis + x.shape.length : axis;
  return [sizeOf(x.shape.slice(0, split)), sizeOf(x.shape.slice(split))];
}

function squeezed(im: Importer, x: Tensor): Shape {
  const axes = parseAxes(im, x.shape.length);
  return x.shape.filter((d, i) => (axes === undefined ? d !== 1 : !axes.includes(i)));
}

function unsqueezed(im: Importer, x: Tensor): Shape {
  const count = im.has(1) ? im.constant(1).data.length : im.node.attributes.ints('axes').length;
  const rank = x.shape.length + count;
  const axes = parseAxes(im, rank) ?? [];
  const rest = x.shape[Symbol.iterator]();
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (rest.next().value ?? 1)));
}

function infer(node: Node<ReshapeOp>, inputs: readonly Tensor[]): Shape {
  const { shape } = inputs[0] as Tensor;
  if (sizeOf(shape) !== sizeOf(node.op.shape)) {
    throw mismatch(node.origin, `${formatShape(shape)} cannot become ${formatShape(node.op.shape)}`);
  }
  return node.op.shape;
}

function float(node: Node<ReshapeOp>, io: FloatIo): void {
  const [x] = io.inputs as [Tensor];
  const plain = fromStored(io.writer, io.writer.value(x), x.shape);
  const shape = io.writer.constant('shape', [node.op.shape.length], Float64Array.from(node.op.shape));
  const reshapedValue = io.writer.node('Reshape', [plain, shape]);
  io.writer.bind(io.output, toStored(io.writer, reshapedValue, io.output.shape));
}

/** The same steps in the same order; input and output have one quantization. */
function integer(_node: Node<ReshapeOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  return (io.values[0] as Int8Array).slice();
}

export const reshape: OpDefinition<ReshapeOp> = {
  kind: 'reshape',
  parsers: {
    Reshape: parseTo(reshaped),
    Flatten: parseTo(flattened),
    Squeeze: parseTo(squeezed),
    Unsqueeze: parseTo(unsqueezed),
  },
  infer,
  float,
  integer,
  exact: float,
};
