import { invariant } from '../core/diagnostics.ts';
import { formatShape } from '../graph/shape.ts';
import type { Node, PReluOp, Tensor } from '../graph/types.ts';
import { srshr32 } from '../numeric/neon.ts';
import { splitFloat, toOutput } from '../numeric/requantize.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitBounds } from './exact-requantize.ts';
import { emitCast, float64Constant } from './exact-sum.ts';
import { channelDims } from './onnx-writer.ts';
import { integerClamp, quantOf } from './quantized.ts';

/** Parsed in `ops/arithmetic`. Where all channels have one slope it is a function of one value instead. */

function float(node: Node<PReluOp>, { writer, inputs, output }: FloatIo): void {
  const { slopes } = node.op;
  const slope = writer.constant('slope', channelDims(slopes.length, output.shape.length), Float32Array.from(slopes));
  writer.bind(output, writer.node('PRelu', [writer.value(inputs[0] as Tensor), slope]));
}

/**
 * Multipliers of both sides: `y = srshl((x − zp_x)·m, −shift) + zp_y`, m = `positive` or, below zero, `negative[c]`. The
 * largest one lies in [2^13, 2^14), so that they fit `vmull_s16`, and products stay below 2^23.
 */
export interface PReluMultipliers {
  readonly positive: number;
  readonly negative: Int16Array;
  readonly shift: number;
}

/** @throws invariant where the input's step, times a slope, is 2^14 output steps or more */
export function preluMultipliers({ slopes }: PReluOp, input: Tensor, output: Tensor): PReluMultipliers {
  const ratio = quantOf(input).step / quantOf(output).step;
  const largest = slopes.reduce((most, s) => Math.max(most, Math.abs(s)), 1);
  const { fraction, exponent } = splitFloat(ratio * largest);
  const shift = Math.min(31, (Math.round(fraction * 2 ** 14) < 2 ** 14 ? 14 : 13) - exponent);
  if (shift < 0) throw invariant(`the step of ${input.id} is too large for ${output.id}`);
  const multiplier = (slope: number): number => Math.round(ratio * slope * 2 ** shift);
  return { positive: multiplier(1), negative: Int16Array.from(slopes, multiplier), shift };
}

function integer(node: Node<PReluOp>, io: IntegerIo): Int8Array {
  const [input] = io.inputs as [Tensor];
  const { positive, negative, shift } = preluMultipliers(node.op, input, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, undefined);
  const zeroIn = quantOf(input).zeroPoint;
  return (io.values[0] as Int8Array).map((q, i) => {
    const x = q - zeroIn;
    return toOutput(srshr32(x * (x < 0 ? negative[i % negative.length]! : positive), shift), zeroPoint, lo, hi);
  });
}

/** In float64, where products and shifts are exact. */
function exact(node: Node<PReluOp>, { writer, inputs, output }: ExactIo): void {
  const [input] = inputs as [Tensor];
  const { positive, negative, shift } = preluMultipliers(node.op, input, output);
  const x = emitCast(writer, writer.value(input), 'float64');
  const dims = channelDims(negative.length, output.shape.length);
  const zero = float64Constant(writer, 'zero', [], [0]);
  const half = float64Constant(writer, 'half', [], [shift === 0 ? 0 : 0.5]);
  const above = float64Constant(writer, 'positive', [], [positive * 2 ** -shift]);
  const below = float64Constant(
    writer,
    'negative',
    dims,
    [...negative].map((m) => m * 2 ** -shift),
  );
  const sides = [
    writer.node('Mul', [writer.node('Max', [x, zero]), above]),
    writer.node('Mul', [writer.node('Min', [x, zero]), below]),
  ];
  const steps = writer.node('Floor', [writer.node('Add', [writer.node('Add', sides), half])]);
  writer.bind(output, emitBounds(writer, emitCast(writer, steps, 'float32'), integerClamp(output, undefined)));
}

export const prelu: OpDefinition<PReluOp> = {
  kind: 'prelu',
  parsers: {},
  infer({ op, origin }, inputs) {
    const { shape } = inputs[0] as Tensor;
    if (shape.at(-1) === op.slopes.length) return shape;
    throw mismatch(origin, `${op.slopes.length} slopes do not fit an input of ${formatShape(shape)}`);
  },
  float,
  integer,
  exact,
};
