import type { DiffuseOp, Node, Tensor } from '../graph/types.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { diffusionOf } from './diffusion.ts';

function float(_node: Node<DiffuseOp>, { writer, inputs, output }: FloatIo): void {
  writer.bind(output, writer.value(inputs[0] as Tensor));
}

/**
 * Channel by channel, rows from the top and elements from the left, with an error e of each element, 0 outside:
 *
 *     m = (e of the left + e of the one above) >> 1
 *     y = the integer whose cell x + m lies in;  e = x + m − the middle of that cell
 *
 * At the ends of the range y = x and e = m: an end stands for all that is beyond it, so it takes no errors, but hands them on. |e| is at
 * most half a cell: all fits int8.
 */
function integer(_node: Node<DiffuseOp>, io: IntegerIo): Int8Array {
  const [input] = io.inputs as [Tensor];
  const [x] = io.values as [Int8Array];
  const { shift, middle, rounding, end } = diffusionOf(input, io.output);
  const [, , width, channels] = input.shape as [number, number, number, number];
  const row = width * channels;
  const y = new Int8Array(x.length);
  // A pixel of zeros left of the first; then this row's as far as they are known, and those of the row above.
  const errors = new Int8Array(channels + row);
  for (let from = 0; from < x.length; from += row) {
    for (let k = 0; k < row; k++) {
      const v = x[from + k]!;
      const t = v + ((errors[k]! + errors[k + channels]!) >> 1);
      const q = ((v === end || v === -end ? v : t) + rounding) >> shift;
      y[from + k] = q;
      errors[k + channels] = t - (q << shift) - middle;
    }
  }
  return y;
}

/** No ONNX operator is one of this kind, nor computes it: the quantizer puts it in front of layers. */
export const diffuse: OpDefinition<DiffuseOp> = {
  kind: 'diffuse',
  parsers: {},
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer,
};
