import { formatShape, sizeOf } from '../graph/shape.ts';
import type { ConcatOp, Node, Shape, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { storedAxis } from './onnx-writer.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';

/** ONNX Concat of computed tensors. */
function parse(im: Importer): void {
  const inputs = im.node.inputs.map((_, i) => {
    if (im.isConstant(i)) throw im.refuse('a constant as a part', 'Only computed tensors can be concatenated.');
    return im.input(i);
  });
  const [first] = inputs;
  if (first === undefined) throw im.invalid('it has no input');
  const axis = normalizeAxis(im, im.node.attributes.int('axis'), first.shape.length);
  const only = inputs.length === 1;
  im.bind(
    only
      ? first
      : im.emit(
          { kind: 'concat', axis },
          inputs.map((t) => t.id),
        ),
  );
}

function infer(node: Node<ConcatOp>, inputs: readonly Tensor[]): Shape {
  const { axis } = node.op;
  const [first] = inputs as [Tensor];
  for (const { shape } of inputs) {
    const fits = shape.length === first.shape.length && shape.every((d, i) => i === axis || d === first.shape[i]);
    if (!fits) {
      throw mismatch(
        node.origin,
        `${formatShape(first.shape)} and ${formatShape(shape)} do not join along axis ${axis}`,
      );
    }
  }
  return first.shape.map((d, i) => (i === axis ? inputs.reduce((sum, t) => sum + t.shape[axis]!, 0) : d));
}

function float(node: Node<ConcatOp>, io: FloatIo): void {
  const values = io.inputs.map((t) => io.writer.value(t));
  const axis = storedAxis(node.op.axis, io.output.shape.length);
  io.writer.bind(io.output, io.writer.node('Concat', values, { axis }));
}

/** The steps side by side; inputs and output have one quantization. */
function integer(node: Node<ConcatOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const out = new Int8Array(sizeOf(io.output.shape));
  const row = sizeOf(io.output.shape.slice(node.op.axis));
  let offset = 0;
  io.inputs.forEach(({ shape }, i) => {
    const values = io.values[i] as Int8Array;
    const part = sizeOf(shape.slice(node.op.axis));
    for (let r = 0; r * row < out.length; r++) out.set(values.subarray(r * part, (r + 1) * part), r * row + offset);
    offset += part;
  });
  return out;
}

export const concat: OpDefinition<ConcatOp> = {
  kind: 'concat',
  parsers: { Concat: parse },
  infer,
  float,
  integer,
  exact: float,
};
