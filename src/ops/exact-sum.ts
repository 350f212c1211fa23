import type { QuantParams, Shape } from '../graph/types.ts';
import type { OnnxWriter } from './onnx-writer.ts';

/**
 * Sums of products for the fast evaluator (DESIGN §5). A float32 convolution of integers is exact, in whatever order it
 * adds and with or without fused multiply-add, as long as every partial sum is below 2^24; longer sums are split into
 * several convolutions, added in float64.
 */
export interface ExactSum {
  /** The written value. */
  readonly name: string;
  readonly type: 'float32' | 'float64';
  /** No |sum| is larger. */
  readonly largest: number;
}

/** ONNX's numbers of element types, for Cast. */
export const elementType = { float32: 1, int32: 6, float64: 11 } as const;

/** float32 holds every integer up to here. */
const exactFloat32 = 2 ** 24;

export function emitCast(writer: OnnxWriter, value: string, type: keyof typeof elementType): string {
  return writer.node('Cast', [value], { to: elementType[type] });
}

/**
 * A float64 constant from two float32 ones, for values of up to 48 bits; ONNX Runtime folds it when it loads the model.
 */
export function float64Constant(writer: OnnxWriter, base: string, dims: Shape, values: readonly number[]): string {
  const high = Float32Array.from(values);
  const low = Float32Array.from(values, (v, i) => v - high[i]!);
  const top = emitCast(writer, writer.constant(base, dims, high), 'float64');
  if (low.every((v) => v === 0)) return top;
  return writer.node('Add', [top, emitCast(writer, writer.constant(`${base}.low`, dims, low), 'float64')]);
}

/** The products of a layer: `channels × length` weights, row-major, and how its inputs are quantized. */
export interface ExactProducts {
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly input: QuantParams;
  /** Of a constant with one value a channel. */
  readonly channelDims: Shape;
  /** Writes the sums of products for some weights of the same layout; without bias where it is undefined. */
  readonly emit: (weights: Float32Array, bias: Float32Array | undefined) => string;
}

/** Writes `bias + Σ (x − zp)·w`, exact for every input within [qmin, qmax]. */
export function emitExactSum(writer: OnnxWriter, products: ExactProducts): ExactSum {
  const { bias, channelDims, emit } = products;
  const { parts, largest } = splitProducts(products);
  if (parts.length === 1 && largest < exactFloat32) {
    return { name: emit(parts[0]!, Float32Array.from(bias)), type: 'float32', largest };
  }
  const total = parts
    .map((part) => emitCast(writer, emit(part, undefined), 'float64'))
    .reduce((a, b) => writer.node('Add', [a, b]));
  const name = writer.node('Add', [total, float64Constant(writer, 'bias', channelDims, [...bias])]);
  return { name, type: 'float64', largest };
}

/**
 * Weights that add up to the given ones, such that no sum of some products of one part reaches 2^24. Zero is among the
 * values of x − zp, so every such partial sum lies between that of the negative and that of the positive products.
 */
export function splitProducts({ weights, bias, input }: Pick<ExactProducts, 'weights' | 'bias' | 'input'>): {
  readonly parts: readonly Float32Array[];
  readonly largest: number;
} {
  const [least, most] = [input.qmin - input.zeroPoint, input.qmax - input.zeroPoint];
  const length = weights.length / bias.length;
  const parts: Float32Array[] = [new Float32Array(weights)];
  let largest = 0;
  bias.forEach((b, o) => {
    const [from, to] = [o * length, (o + 1) * length];
    let [lo, hi] = [0, 0];
    for (let k = from; k < to; k++) {
      const [a, z] = [weights[k]! * least, weights[k]! * most];
      lo += Math.min(a, z);
      hi += Math.max(a, z);
    }
    largest = Math.max(largest, hi + Math.max(0, b), -lo - Math.min(0, b));
    if (Math.max(hi, -lo) >= exactFloat32) splitChannel(parts, from, to, least, most);
  });
  return { parts, largest };
}

/** Moves weights `from` to `to − 1` on to later parts, wherever the part that they are in is full. */
function splitChannel(parts: Float32Array[], from: number, to: number, least: number, most: number): void {
  const all = parts[0]!.slice(from, to);
  parts[0]!.fill(0, from, to);
  let [lo, hi, part] = [0, 0, 0];
  for (let k = from; k < to; k++) {
    const w = all[k - from]!;
    const [low, high] = [Math.min(w * least, w * most), Math.max(w * least, w * most)];
    if (Math.max(hi + high, -(lo + low)) >= exactFloat32) {
      [lo, hi] = [0, 0];
      if (++part === parts.length) parts.push(new Float32Array(parts[0]!.length));
    }
    [lo, hi] = [lo + low, hi + high];
    parts[part]![k] = w;
  }
}
