import { invariant } from '../core/diagnostics.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Node, QuantParams, SoftmaxOp, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitBounds } from './exact-requantize.ts';
import { emitCast, float64Constant } from './exact-sum.ts';
import { wideSoftmaxTable } from './float32.ts';
import { storedAxis } from './onnx-writer.ts';
import { quantOf } from './quantized.ts';
import type { Importer } from './source.ts';
import { largestSoftmax, softmaxTable } from './tables.ts';

/** ONNX Softmax. Before opset 13 it ran over all axes from `axis` (default 1) on, flattened; since, over one. */
function parse(im: Importer): void {
  const x = im.input(0);
  const rank = x.shape.length;
  const flattens = im.node.opset < 13;
  const axis = normalizeAxis(im, im.node.attributes.int('axis', flattens ? 1 : -1), rank);
  if (!flattens || axis === rank - 1) {
    im.bind(im.emit({ kind: 'softmax', axis }, [x.id]));
    return;
  }
  const shape = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))];
  const rows = im.emit({ kind: 'reshape', shape }, [x.id]);
  const y = im.emit({ kind: 'softmax', axis: 1 }, [rows.id]);
  im.bind(im.emit({ kind: 'reshape', shape: x.shape }, [y.id]));
}

function float(node: Node<SoftmaxOp>, io: FloatIo): void {
  const x = io.writer.value(io.inputs[0] as Tensor);
  const axis = storedAxis(node.op.axis, io.output.shape.length);
  io.writer.bind(io.output, io.writer.node('Softmax', [x], { axis }));
}

/**
 * `e_i = T[max − x_i]` with the table of `softmaxTable`, S their sum (below 2^31), then
 * `y_i = min(127, ⌊(256·e_i + ⌊S/2⌋) / S⌋ − 128)`: everything fits unsigned 32 bits. With ONNX Runtime's table it takes 64,
 * and the output may be on any grid (`softmaxGrid`).
 */
function integer(node: Node<SoftmaxOp>, io: IntegerIo): Int8Array {
  const [input] = io.inputs as [Tensor];
  const [x] = io.values as [Int8Array];
  const table = exponentialsOf(node, input, io.output);
  const { qmin, qmax } = quantOf(io.output);
  const { parts, zeroPoint } = softmaxGrid(node, io.output);
  const count = softmaxLength(node, input);
  const inner = sizeOf(input.shape.slice(node.op.axis + 1));
  const out = new Int8Array(x.length);
  for (let first = 0; first < x.length; first++) {
    if (Math.floor(first / inner) % count !== 0) continue; // not the first element along the axis
    const along = Array.from({ length: count }, (_, i) => first + i * inner);
    const max = along.reduce((m, i) => Math.max(m, x[i]!), -128);
    const sum = along.reduce((s, i) => s + table[max - x[i]!]!, 0);
    for (const i of along) {
      const q = Math.floor((table[max - x[i]!]! * parts + Math.floor(sum / 2)) / sum) + zeroPoint;
      out[i] = Math.min(qmax, Math.max(qmin, q));
    }
  }
  return out;
}

/** In float64, where every value is an integer and a quotient's rounding never reaches the next one. */
function exact(node: Node<SoftmaxOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [input] = io.inputs as [Tensor];
  softmaxLength(node, input);
  const x = writer.value(input);
  const axis = storedAxis(node.op.axis, input.shape.length);
  const scalar = (v: number): string => float64Constant(writer, 'scalar', [], [v]);
  const distance = writer.node('Sub', [writer.node('ReduceMax', [x], { axes: [axis], keepdims: 1 }), x]);
  const table = float64Constant(writer, 'exponentials', [256], [...exponentialsOf(node, input, output)]);
  const e = writer.node('Gather', [table, emitCast(writer, distance, 'int32')], { axis: 0 });
  const sum = writer.node('ReduceSum', [e, writer.constant('axes', [1], Float64Array.of(axis))], { keepdims: 1 });
  const half = writer.node('Floor', [writer.node('Mul', [sum, scalar(0.5)])]);
  const numerator = writer.node('Add', [writer.node('Mul', [e, scalar(softmaxGrid(node, output).parts)]), half]);
  const steps = writer.node('Floor', [writer.node('Div', [numerator, sum])]);
  const { qmin: lo, qmax: hi, zeroPoint } = quantOf(output);
  writer.bind(output, emitBounds(writer, emitCast(writer, steps, 'float32'), { lo, hi, zeroPoint }));
}

/** The table that kernels embed. The wide one is ONNX Runtime's: 32-bit entries, whose products take 64 bits. */
export function exponentialsOf(node: Node<SoftmaxOp>, input: Tensor, output: Tensor): Uint16Array | Uint32Array {
  softmaxGrid(node, output);
  return node.op.requant === 'float32' ? wideSoftmaxTable(input, softmaxLength(node, input)) : softmaxTable(input);
}

/**
 * What a softmax is divided into: steps of 1/256 from −128, or, as ONNX Runtime does it, ⌊1/step⌋ parts from any zero point.
 * @throws invariant where the output is on another grid
 */
export function softmaxGrid({ op, origin }: Node<SoftmaxOp>, output: Tensor): { parts: number; zeroPoint: number } {
  const quant = quantOf(output);
  if (!isSoftmaxGrid(quant, op.requant)) throw invariant(`a softmax on the grid of ${output.id}`, origin.name);
  return { parts: partsOf(quant), zeroPoint: quant.zeroPoint };
}

/** True where a softmax can give its output on the grid. */
export function isSoftmaxGrid(quant: QuantParams, requant: SoftmaxOp['requant']): boolean {
  if (requant === 'float32') return partsOf(quant) >= 1 && partsOf(quant) <= 2 ** 16;
  return quant.scale[0] === 1 / 256 && quant.zeroPoint === -128;
}

function partsOf({ scale }: QuantParams): number {
  return Math.floor(Math.fround(1 / scale[0]!));
}

/** Elements along the axis. */
function softmaxLength(node: Node<SoftmaxOp>, input: Tensor): number {
  const count = input.shape[node.op.axis]!;
  if (count > largestSoftmax) throw invariant(`a softmax over ${count} elements`, node.origin.name);
  return count;
}

export const softmax: OpDefinition<SoftmaxOp> = {
  kind: 'softmax',
  parsers: { Softmax: parse },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer,
  exact,
};
