import { must } from '../core/must.ts';
import type { ChannelCarries, DiffuseOp, Node, Tensor } from '../graph/types.ts';
import { CARRY_BLOCK } from './carries.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { diffusionOf } from './diffusion.ts';
import { quantOf } from './quantized.ts';

/**
 * What the errors of the blocks before channel c's carry to it, exactly: asked for the channels of a pixel in order.
 * @param errors of the image's rows, as far as they are known; those of c's pixel begin at `own`
 */
export type Carried = (c: number, errors: Int8Array, own: number) => number;

function float(_node: Node<DiffuseOp>, { writer, inputs, output }: FloatIo): void {
  writer.bind(output, writer.value(inputs[0] as Tensor));
}

/**
 * Rows from the top, pixels from the left, channels in order, with an error e of each element, 0 outside:
 *
 *     m = (e of the left + e of the one above) >> 1;  t = x + m − (m >> 2)
 *     y = the integer whose cell t, with what other channels carry to it, lies in, or the nearest there is: up to what is left of `pixelSum`
 *     e = t − the middle of that cell
 *
 * all in int8, saturated. A zero stays one where zero is the lowest integer, and hands on what it gets.
 * @param carried absent where nothing is carried
 */
export function diffused(
  { pixelSum = Infinity }: DiffuseOp,
  { inputs, values, output }: IntegerIo,
  carried: Carried | undefined,
): Int8Array {
  const [input] = inputs as [Tensor];
  const [x] = values as [Int8Array];
  const { shift, offset, middle, keepsZeros } = diffusionOf(input, output);
  const [zero, { qmin, qmax }] = [quantOf(input).zeroPoint, quantOf(output)];
  const [, , width, channels] = input.shape as [number, number, number, number];
  const row = width * channels;
  const y = new Int8Array(x.length);
  // A pixel of zeros left of the first; then this row's as far as they are known, and those of the row above.
  const errors = new Int8Array(channels + row);
  for (let from = 0; from < x.length; from += channels) {
    const left = from % row;
    const own = left + channels;
    let room = pixelSum;
    for (let c = 0; c < channels; c++) {
      const v = x[from + c]!;
      const m = (errors[left + c]! + errors[own + c]!) >> 1;
      const t = int8(v + m - (m >> 2));
      const all = carried ? int8(t + int8(carried(c, errors, own))) : t;
      const most = Math.min(qmax, qmin + room);
      const q = keepsZeros && v === zero ? qmin : Math.max(qmin, Math.min(most, (all >> shift) + offset));
      room -= q - qmin;
      y[from + c] = q;
      errors[own + c] = int8(t - (q << shift) - middle);
    }
  }
  return y;
}

function int8(v: number): number {
  return v < -128 ? -128 : v > 127 ? 127 : v;
}

function carriedBy({ shift, weights }: ChannelCarries, channels: number): Carried {
  const half = (1 << shift) >> 1;
  return (c, errors, own) => {
    const before = c - (c % CARRY_BLOCK);
    let sum = 0;
    for (let j = 0; j < before; j++) sum += weights[c * channels + j]! * errors[own + j]!;
    return (sum + half) >> shift;
  };
}

/** No ONNX operator is one of this kind, nor computes it: the quantizer puts it in front of layers. */
export const diffuse: OpDefinition<DiffuseOp> = {
  kind: 'diffuse',
  parsers: {},
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer: ({ op }, io) => diffused(op, io, op.carries && carriedBy(op.carries, must(io.output.shape[3], 'channels'))),
};
