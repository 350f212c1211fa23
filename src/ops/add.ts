import { formatShape, sameShape } from '../graph/shape.ts';
import type { AddOp, Node, Shape, Tensor } from '../graph/types.ts';
import { emitWithConstant } from './affine.ts';
import { emitClamp } from './clamp.ts';
import type { FloatIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import type { Importer } from './source.ts';

/** ONNX Add: of two tensors of one shape, or of a constant for each channel (an affine operator then). */
function parse(im: Importer): void {
  if (im.isConstant(0) || im.isConstant(1)) {
    emitWithConstant(im, im.isConstant(0) ? 0 : 1, (value) => ({ scale: 1, shift: value }));
    return;
  }
  const [a, b] = [im.input(0), im.input(1)];
  if (!sameShape(a.shape, b.shape)) {
    throw im.refuse(
      `Add of ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
      'Two computed tensors must have one shape; broadcasting between them is not supported.',
    );
  }
  im.bind(im.emit({ kind: 'add' }, [a.id, b.id]));
}

function infer(node: Node<AddOp>, inputs: readonly Tensor[]): Shape {
  const [a, b] = inputs as [Tensor, Tensor];
  if (!sameShape(a.shape, b.shape)) {
    throw mismatch(node.origin, `the operands are ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
  }
  return a.shape;
}

function float(node: Node<AddOp>, io: FloatIo): void {
  const sum = io.writer.node(
    'Add',
    io.inputs.map((t) => io.writer.value(t)),
  );
  io.writer.bind(io.output, emitClamp(io.writer, sum, node.op.clamp));
}

export const add: OpDefinition<AddOp> = { kind: 'add', parsers: { Add: parse }, infer, float };
