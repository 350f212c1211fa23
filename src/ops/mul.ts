import { sizeOf } from '../graph/shape.ts';
import type { MulOp, Node, Tensor } from '../graph/types.ts';
import { makeRequantizer, type Requantizer, requantize, toOutput } from '../numeric/requantize.ts';
import { broadcastIndices, broadcastShape } from './broadcast.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitRequantized } from './exact-requantize.ts';
import { integerClamp, largestMagnitude, quantOf } from './quantized.ts';

/** Parsed in `ops/arithmetic`. */

function float(node: Node<MulOp>, { writer, inputs, output }: FloatIo): void {
  const operands = inputs.map((t) => writer.value(t));
  writer.bind(output, emitClamp(writer, writer.node('Mul', operands), node.op.clamp));
}

/** The multiplier s_a · s_b / s_y: `fixed`, or ONNX Runtime's QLinearMul, whose roundings are those of its convolution. */
export function mulRequantizer(op: MulOp, inputs: readonly Tensor[], output: Tensor): Requantizer {
  const [a, b] = inputs.map((t) => quantOf(t).step) as [number, number];
  const y = quantOf(output).step;
  if (op.requant === 'float32') return makeRequantizer('float32', [Math.fround(Math.fround(a * b) / y)]);
  return makeRequantizer('fixed', [(a * b) / y]);
}

/** `requantize((a − zp_a)·(b − zp_b)) + zp_y`, clamped. */
function integer(node: Node<MulOp>, io: IntegerIo): Int8Array {
  const requantizer = mulRequantizer(node.op, io.inputs, io.output);
  const [zeroA, zeroB] = io.inputs.map((t) => quantOf(t).zeroPoint) as [number, number];
  const [a, b] = io.values as [Int8Array, Int8Array];
  const [atA, atB] = io.inputs.map((t) => broadcastIndices(t.shape, io.output.shape)) as [Int32Array, Int32Array];
  const { lo, hi, zeroPoint } = integerClamp(io.output, node.op.clamp);
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const product = (a[atA[i]!]! - zeroA) * (b[atB[i]!]! - zeroB);
    return toOutput(requantize(requantizer, product, 0), zeroPoint, lo, hi);
  });
}

/** Products are below 2^17. */
function exact(node: Node<MulOp>, { writer, inputs, output }: ExactIo): void {
  const operands = inputs.map((t) => writer.value(t));
  const largest = inputs.reduce((product, t) => product * largestMagnitude(quantOf(t)), 1);
  const sum = { name: writer.node('Mul', operands), type: 'float32', largest } as const;
  const requantizer = mulRequantizer(node.op, inputs, output);
  const clamp = integerClamp(output, node.op.clamp);
  writer.bind(output, emitRequantized(writer, sum, requantizer, { dims: [], channels: [0] }, clamp));
}

export const mul: OpDefinition<MulOp> = {
  kind: 'mul',
  parsers: {},
  infer: ({ origin }, inputs) => broadcastShape(origin, inputs),
  float,
  integer,
  exact,
};
