import { invariant } from '../core/diagnostics.ts';
import { formatShape, sizeOf } from '../graph/shape.ts';
import type { LrnOp, Node, Tensor } from '../graph/types.ts';
import { srshr32 } from '../numeric/neon.ts';
import { splitFloat, toOutput } from '../numeric/requantize.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitBounds } from './exact-requantize.ts';
import { emitCast, float64Constant } from './exact-sum.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { float as floatAttribute } from './onnx-writer.ts';
import { integerClamp, largestMagnitude, quantOf } from './quantized.ts';
import type { Importer } from './source.ts';

/** ONNX LRN: x / (bias + alpha / size · Σ x²)^beta, the sum over neighbouring channels. */
function parse(im: Importer): void {
  const { attributes } = im.node;
  const x = im.input(0);
  if (x.shape.length < 3) throw im.invalid(`LRN of ${formatShape(x.shape)}: it takes N×C×…`);
  const [size, alpha] = [attributes.int('size'), attributes.float('alpha', 1e-4)];
  const [beta, bias] = [attributes.float('beta', 0.75), attributes.float('bias', 1)];
  if (size % 2 === 0) throw im.refuse('a sum over an even number of channels', 'Use an odd size.');
  if (size < 1 || size > 255)
    throw im.refuse(`a sum over ${size} channels`, 'Sums over 1 to 255 channels are supported.');
  if (!(alpha >= 0 && bias > 0 && beta >= 0)) {
    throw im.refuse('a bias, alpha or beta below 0', 'Only normalizations that shrink values are supported.');
  }
  const [n, c, ...space] = x.shape as [number, number, ...number[]];
  const planes = x.shape.length === 4 ? x : im.emit({ kind: 'reshape', shape: [n, c, 1, sizeOf(space)] }, [x.id]);
  const op: LrnOp = { kind: 'lrn', size, alpha, beta, bias };
  const y = emitChannelsFirst(im, im.emit(op, [emitChannelsLast(im, planes).id]), 2);
  im.bind(planes === x ? y : im.emit({ kind: 'reshape', shape: x.shape }, [y.id]));
}

function float({ op }: Node<LrnOp>, { writer, inputs, output }: FloatIo): void {
  const { size, alpha, beta, bias } = op;
  const attributes = { size, alpha: floatAttribute(alpha), beta: floatAttribute(beta), bias: floatAttribute(bias) };
  writer.bind(output, writer.node('LRN', [writer.value(inputs[0] as Tensor)], attributes));
}

/** First and last channel of the window, relative to its own. */
export function windowOf({ size }: LrnOp): readonly [number, number] {
  return [-Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
}

/** Intervals an octave of sums: 2^5. */
const mantissaBits = 5;

/** Where a sum of squares falls in the table, and how far, in units of 2^−7. */
export function positionOf(sum: number): { readonly index: number; readonly fraction: number } {
  const exponent = Math.max(0, 31 - Math.clz32(sum) - mantissaBits);
  const mantissa = sum >>> exponent;
  return { index: (exponent << mantissaBits) + mantissa, fraction: ((sum << 7) >>> exponent) & 127 };
}

/**
 * The factor as a function of the sum S of squared steps, linear between the entries of a table: below 64 each S has one,
 * from there on each octave has 32. F(S) = `base[i] + srshl(slope[i]·f, −7)` for (i, f) of `positionOf`, in units of
 * 2^−shift; the largest lies in [2^13, 2^14), so that products with x stay below 2^22.
 */
export interface LrnTable {
  readonly base: readonly number[];
  readonly slope: readonly number[];
  readonly shift: number;
}

export function lrnTable(op: LrnOp, input: Tensor, output: Tensor): LrnTable {
  const x = quantOf(input);
  const unit = (op.alpha / op.size) * x.step ** 2;
  const factor = (sum: number): number => (x.step / quantOf(output).step) * (op.bias + unit * sum) ** -op.beta;
  const { fraction, exponent } = splitFloat(factor(0));
  const shift = Math.min(31, (Math.round(fraction * 2 ** 14) < 2 ** 14 ? 14 : 13) - exponent);
  if (shift < 0) throw invariant(`the step of ${input.id} is too large for ${output.id}`);
  const { index: last } = positionOf(op.size * largestMagnitude(x) ** 2);
  const sumAt = (i: number): number => {
    const e = Math.max(0, (i >> mantissaBits) - 1);
    return (i - (e << mantissaBits)) * 2 ** e;
  };
  const entries = Array.from({ length: last + 2 }, (_, i) => Math.round(factor(sumAt(i)) * 2 ** shift));
  const base = entries.slice(0, -1);
  return { base, slope: base.map((b, i) => entries[i + 1]! - b), shift };
}

function factorAt({ base, slope }: LrnTable, sum: number): number {
  const { index, fraction } = positionOf(sum);
  return base[index]! + srshr32(slope[index]! * fraction, 7);
}

/** `srshl((x − zp_x)·F(S), −shift) + zp_y`, clamped; S the sum of (x − zp_x)² over the window. */
function integer({ op }: Node<LrnOp>, io: IntegerIo): Int8Array {
  const [input] = io.inputs as [Tensor];
  const [x] = io.values as [Int8Array];
  const table = lrnTable(op, input, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, undefined);
  const zeroIn = quantOf(input).zeroPoint;
  const channels = input.shape.at(-1)!;
  const [before, after] = windowOf(op);
  return x.map((q, i) => {
    const c = i % channels;
    let sum = 0;
    for (let k = Math.max(0, c + before); k <= Math.min(channels - 1, c + after); k++) {
      sum += (x[i - c + k]! - zeroIn) ** 2;
    }
    return toOutput(srshr32((q - zeroIn) * factorAt(table, sum), table.shift), zeroPoint, lo, hi);
  });
}

/** The sum as a convolution with a band of ones, below 2^24; the factor looked up for each of its values. */
function exact({ op }: Node<LrnOp>, { writer, inputs, output }: ExactIo): void {
  const [input] = inputs as [Tensor];
  const channels = input.shape.at(-1)!;
  const [before, after] = windowOf(op);
  const band = Float32Array.from({ length: channels ** 2 }, (_, i) => {
    const distance = (i % channels) - Math.floor(i / channels);
    return distance >= before && distance <= after ? 1 : 0;
  });
  const x = writer.value(input);
  const ones = writer.constant('band', [channels, channels, 1, 1], band);
  const sum = emitCast(writer, writer.node('Conv', [writer.node('Mul', [x, x]), ones]), 'int32');
  const table = lrnTable(op, input, output);
  const length = op.size * largestMagnitude(quantOf(input)) ** 2 + 1;
  const factors = Float32Array.from({ length }, (_, s) => factorAt(table, s));
  const factor = writer.node('Gather', [writer.constant('factors', [length], factors), sum], { axis: 0 });
  const product = emitCast(writer, writer.node('Mul', [x, factor]), 'float64');
  const scaled = writer.node('Mul', [product, float64Constant(writer, 'unit', [], [2 ** -table.shift])]);
  const half = float64Constant(writer, 'half', [], [table.shift === 0 ? 0 : 0.5]);
  const steps = emitCast(writer, writer.node('Floor', [writer.node('Add', [scaled, half])]), 'float32');
  writer.bind(output, emitBounds(writer, steps, integerClamp(output, undefined)));
}

export const lrn: OpDefinition<LrnOp> = {
  kind: 'lrn',
  parsers: { LRN: parse },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer,
  exact,
};
