import { sizeOf } from '../graph/shape.ts';
import type { AveragePoolOp, Tensor } from '../graph/types.ts';
import { roundHalfEven } from '../numeric/neon.ts';
import { toOutput } from '../numeric/requantize.ts';
import type { ExactIo, IntegerIo } from './definition.ts';
import { emitBounds } from './exact-requantize.ts';
import { poolValues } from './float32.ts';
import { poolDivision } from './pool-division.ts';
import { integerClamp, quantOf } from './quantized.ts';

/** ONNX Runtime's QLinearAveragePool to the bit: see `poolValues`. */
export function float32Pool(op: AveragePoolOp, io: IntegerIo): Int8Array {
  const [input] = io.inputs as [Tensor];
  const [x] = io.values as [Int8Array];
  const [, height, width, channels] = input.shape as [number, number, number, number];
  const [, outHeight, outWidth] = io.output.shape as [number, number, number];
  const values = poolValues(input);
  const { divisors, indexAt } = poolDivision(op, input, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, op.clamp);
  const { step } = quantOf(io.output);
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const c = i % channels;
    const [ox, row] = [Math.floor(i / channels) % outWidth, Math.floor(i / channels / outWidth)];
    const [oy, n] = [row % outHeight, Math.floor(row / outHeight)];
    const [top, left] = [oy * op.strides[0] - op.pads[0], ox * op.strides[1] - op.pads[1]];
    let sum = 0;
    for (let y = Math.max(0, top); y < Math.min(height, top + op.kernel[0]); y++) {
      for (let z = Math.max(0, left); z < Math.min(width, left + op.kernel[1]); z++) {
        sum = Math.fround(sum + values[x[((n * height + y) * width + z) * channels + c]! + 128]!);
      }
    }
    const mean = Math.fround(Math.fround(sum / divisors[indexAt(oy, ox)]!) / step);
    return toOutput(roundHalfEven(Math.fround(mean + zeroPoint)), 0, lo, hi);
  });
}

/** The window's positions one after the other, each a strided slice, so that float32 sums round in the same order. */
export function exactFloat32Pool(op: AveragePoolOp, { writer, inputs, output }: ExactIo): void {
  const [input] = inputs as [Tensor];
  const { kernel, strides, pads, ceilExtra } = op;
  const [, height, width] = output.shape as [number, number, number];
  const step = (tensor: Tensor): string => writer.constant('step', [], Float32Array.of(quantOf(tensor).step));
  const real = writer.node('Mul', [writer.value(input), step(input)]);
  // Zeros change no float32 sum.
  const border = [0, 0, pads[0], pads[1], 0, 0, pads[2] + ceilExtra[0], pads[3] + ceilExtra[1]];
  const padded = writer.node('Pad', [real, writer.constant('pads', [8], Float64Array.from(border))], {
    mode: 'constant',
  });
  const ints = (base: string, ...values: number[]): string =>
    writer.constant(base, [values.length], Float64Array.from(values));
  const position = (ky: number, kx: number): string => {
    const ends = ints('ends', ky + (height - 1) * strides[0] + 1, kx + (width - 1) * strides[1] + 1);
    return writer.node('Slice', [padded, ints('starts', ky, kx), ends, ints('axes', 2, 3), ints('steps', ...strides)]);
  };
  const positions = Array.from({ length: kernel[0] * kernel[1] }, (_, k) =>
    position(Math.floor(k / kernel[1]), k % kernel[1]),
  );
  const sum = positions.reduce((a, b) => writer.node('Add', [a, b]));
  const { divisors, indexAt } = poolDivision(op, input, output);
  const counts = Float32Array.from(
    { length: height * width },
    (_, i) => divisors[indexAt(Math.floor(i / width), i % width)]!,
  );
  const mean = writer.node('Div', [sum, writer.constant('counts', [1, 1, height, width], counts)]);
  const { zeroPoint, ...bounds } = integerClamp(output, op.clamp);
  const zero = writer.constant('zeroPoint', [], Float32Array.of(zeroPoint));
  const steps = writer.node('Round', [writer.node('Add', [writer.node('Div', [mean, step(output)]), zero])]);
  writer.bind(output, emitBounds(writer, writer.node('Sub', [steps, zero]), { ...bounds, zeroPoint }));
}
