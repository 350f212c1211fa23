import { sizeOf } from '../graph/shape.ts';
import type { AddOp, Node } from '../graph/types.ts';
import { roundHalfEven, srshr32 } from '../numeric/neon.ts';
import { toOutput } from '../numeric/requantize.ts';
import { broadcastIndices, broadcastShape } from './broadcast.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitBounds } from './exact-requantize.ts';
import { emitCast } from './exact-sum.ts';
import { addFactors, fusedSum } from './float32.ts';
import { addMultipliers, integerClamp, quantOf } from './quantized.ts';

/** Parsed in `ops/arithmetic`. */

function float(node: Node<AddOp>, io: FloatIo): void {
  const sum = io.writer.node(
    node.op.subtract ? 'Sub' : 'Add',
    io.inputs.map((t) => io.writer.value(t)),
  );
  io.writer.bind(io.output, emitClamp(io.writer, sum, node.op.clamp));
}

/**
 * `srshl((a − zp_a)·m_a ± (b − zp_b)·m_b, −shift) + zp_y`, clamped; multipliers and shift are those of `addMultipliers`.
 */
function integer(node: Node<AddOp>, io: IntegerIo): Int8Array {
  if (node.op.requant === 'float32') return integerFloat32(node, io);
  const { multipliers, shift } = addMultipliers(node.op, io.inputs, io.output);
  const [zeroA, zeroB] = io.inputs.map((t) => quantOf(t).zeroPoint) as [number, number];
  const [a, b] = io.values as [Int8Array, Int8Array];
  const [atA, atB] = indicesOf(io);
  const { lo, hi, zeroPoint } = integerClamp(io.output, node.op.clamp);
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const acc = (a[atA[i]!]! - zeroA) * multipliers[0] + (b[atB[i]!]! - zeroB) * multipliers[1];
    return toOutput(srshr32(acc, shift), zeroPoint, lo, hi);
  });
}

/** ONNX Runtime's QLinearAdd (see `addFactors`), clamped. */
function integerFloat32(node: Node<AddOp>, io: IntegerIo): Int8Array {
  const sum = addFactors(io.inputs, io.output);
  const [a, b] = io.values as [Int8Array, Int8Array];
  const [atA, atB] = indicesOf(io);
  const { lo, hi } = integerClamp(io.output, node.op.clamp);
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) =>
    toOutput(roundHalfEven(fusedSum(sum, a[atA[i]!]!, b[atB[i]!]!)), 0, lo, hi),
  );
}

function indicesOf({ inputs, output }: IntegerIo): [Int32Array, Int32Array] {
  return inputs.map((t) => broadcastIndices(t.shape, output.shape)) as [Int32Array, Int32Array];
}

/** In float64, where products and sums are exact, rounded to float32 where `fma` rounds. */
function exactFloat32(node: Node<AddOp>, { writer, inputs, output }: ExactIo): void {
  const { factors, offset } = addFactors(inputs, output);
  const constant = (base: string, value: number): string => writer.constant(base, [], Float32Array.of(value));
  const wide = (value: string): string => emitCast(writer, value, 'float64');
  const product = (i: 0 | 1): string => {
    const steps = writer.node('Add', [writer.value(inputs[i]!), constant('zeroPoint', quantOf(inputs[i]!).zeroPoint)]);
    return writer.node('Mul', [wide(steps), wide(constant('factor', factors[i]))]);
  };
  const second = emitCast(writer, writer.node('Add', [product(1), wide(constant('offset', offset))]), 'float32');
  const sum = emitCast(writer, writer.node('Add', [product(0), wide(second)]), 'float32');
  const { zeroPoint, ...bounds } = integerClamp(output, node.op.clamp);
  const steps = writer.node('Sub', [writer.node('Round', [sum]), constant('zeroPoint', zeroPoint)]);
  writer.bind(output, emitBounds(writer, steps, { ...bounds, zeroPoint }));
}

/** In float32: sums are below 2^23, so adding the rounding half is exact, too, for every shift that gives more than zeros. */
function exact(node: Node<AddOp>, io: ExactIo): void {
  if (node.op.requant === 'float32') {
    exactFloat32(node, io);
    return;
  }
  const { writer, output } = io;
  const { multipliers, shift } = addMultipliers(node.op, io.inputs, output);
  const scaled = io.inputs.map((t, i) => {
    const factor = writer.constant('multiplier', [], Float32Array.of(multipliers[i]! * 2 ** -shift));
    return writer.node('Mul', [writer.value(t), factor]);
  });
  const half = writer.constant('half', [], Float32Array.of(shift === 0 ? 0 : 0.5));
  const steps = writer.node('Floor', [writer.node('Add', [writer.node('Add', scaled), half])]);
  writer.bind(output, emitBounds(writer, steps, integerClamp(output, node.op.clamp)));
}

export const add: OpDefinition<AddOp> = {
  kind: 'add',
  parsers: {},
  infer: ({ origin }, inputs) => broadcastShape(origin, inputs),
  float,
  integer,
  exact,
};
