import { invariant } from '../core/diagnostics.ts';
import { sizeOf } from '../graph/shape.ts';
import type { MulOp, Node, Tensor } from '../graph/types.ts';
import { roundHalfEven } from '../numeric/neon.ts';
import { makeRequantizer, type Requantizer, requantize, toOutput } from '../numeric/requantize.ts';
import { broadcastIndices, broadcastShape } from './broadcast.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitBounds, emitRequantized } from './exact-requantize.ts';
import { emitCast, float64Constant } from './exact-sum.ts';
import { mulFactor, scaledProduct } from './float32.ts';
import { integerClamp, largestMagnitude, quantOf } from './quantized.ts';

/** Parsed in `ops/arithmetic`. */

function float(node: Node<MulOp>, { writer, inputs, output }: FloatIo): void {
  const operands = inputs.map((t) => writer.value(t));
  writer.bind(output, emitClamp(writer, writer.node('Mul', operands), node.op.clamp));
}

/** The multiplier s_a · s_b / s_y of products in fixed point. */
export function mulRequantizer(inputs: readonly Tensor[], output: Tensor): Extract<Requantizer, { format: 'fixed' }> {
  const [a, b] = inputs.map((t) => quantOf(t).step) as [number, number];
  const requantizer = makeRequantizer('fixed', [(a * b) / quantOf(output).step]);
  if (requantizer.format !== 'fixed') throw invariant('a product that is not in fixed point');
  return requantizer;
}

/** `requantize((a − zp_a)·(b − zp_b)) + zp_y`, clamped; or what ONNX Runtime's QLinearMul gives (see `mulFactor`). */
function integer(node: Node<MulOp>, io: IntegerIo): Int8Array {
  const { lo, hi, zeroPoint } = integerClamp(io.output, node.op.clamp);
  const requantizer = mulRequantizer(io.inputs, io.output);
  const factor = mulFactor(io.inputs, io.output);
  const toStep = (product: number): number =>
    node.op.requant === 'float32'
      ? toOutput(roundHalfEven(scaledProduct(product, factor, zeroPoint)), 0, lo, hi)
      : toOutput(requantize(requantizer, product, 0), zeroPoint, lo, hi);
  const [zeroA, zeroB] = io.inputs.map((t) => quantOf(t).zeroPoint) as [number, number];
  const [a, b] = io.values as [Int8Array, Int8Array];
  const [atA, atB] = io.inputs.map((t) => broadcastIndices(t.shape, io.output.shape)) as [Int32Array, Int32Array];
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) =>
    toStep((a[atA[i]!]! - zeroA) * (b[atB[i]!]! - zeroB)),
  );
}

/** Products are below 2^17. */
function exact(node: Node<MulOp>, { writer, inputs, output }: ExactIo): void {
  const operands = inputs.map((t) => writer.value(t));
  const product = writer.node('Mul', operands);
  const clamp = integerClamp(output, node.op.clamp);
  if (node.op.requant === 'float32') {
    const factor = float64Constant(writer, 'factor', [], [mulFactor(inputs, output)]);
    const scaled = emitCast(writer, writer.node('Mul', [emitCast(writer, product, 'float64'), factor]), 'float32');
    const zero = writer.constant('zeroPoint', [], Float32Array.of(clamp.zeroPoint));
    const steps = writer.node('Round', [writer.node('Add', [scaled, zero])]);
    writer.bind(output, emitBounds(writer, writer.node('Sub', [steps, zero]), clamp));
    return;
  }
  const largest = inputs.reduce((most, t) => most * largestMagnitude(quantOf(t)), 1);
  const sum = { name: product, type: 'float32', largest } as const;
  const spread = { dims: [], channels: [0] };
  writer.bind(output, emitRequantized(writer, sum, mulRequantizer(inputs, output), spread, clamp));
}

export const mul: OpDefinition<MulOp> = {
  kind: 'mul',
  parsers: {},
  infer: ({ origin }, inputs) => broadcastShape(origin, inputs),
  float,
  integer,
  exact,
};
