import type { Node, Shape, Tensor, WinogradOp } from '../graph/types.ts';
import { constantGain, winogradTransforms } from '../numeric/winograd.ts';
import type { ExactIo } from './definition.ts';
import { emitRequantized, emitScaled, spreadChannels } from './exact-requantize.ts';
import { type ExactSum, emitCast, emitExactSum, float64Constant } from './exact-sum.ts';
import type { OnnxWriter } from './onnx-writer.ts';
import { integerClamp, quantOf } from './quantized.ts';
import { winogradRanges, winogradScales, winogradShape } from './winograd-parts.ts';

/**
 * The exact form of a Winograd convolution (DESIGN §5): the input's transform is a depthwise convolution whose kernels are
 * the taps, the products are a pointwise convolution with a group for each tap, the output's transform is a product with
 * its coefficients. All values are integers, below 2^24 in float32 and below 2^53 in float64.
 */
export function exactWinograd(node: Node<WinogradOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [, w, b] = io.inputs as [Tensor, Tensor, Tensor];
  const scales = winogradScales(node, io.inputs, output);
  const summed = emitOutputs(node, io, emitTapSums(node, io, emitTaps(node, io)));
  const { outputs } = winogradShape(node, io.inputs[0]!.shape, w.shape);
  const bias = [...(b.data as Int32Array)];
  const largest = Math.max(
    ...winogradRanges(node, scales, w.data as Int8Array, b.data as Int32Array).map(({ sum }) => sum),
  );
  const sum: ExactSum = {
    name: writer.node('Add', [summed, float64Constant(writer, 'bias', [1, outputs, 1, 1], bias)]),
    type: 'float64',
    largest,
  };
  const spread = spreadChannels([1, outputs, 1, 1], outputs);
  writer.bind(output, emitRequantized(writer, sum, scales.requantizer, spread, integerClamp(output, node.op.clamp)));
}

function reshape(writer: OnnxWriter, value: string, shape: Shape): string {
  const target = writer.constant('shape', [shape.length], Float64Array.from(shape), 'int64');
  return writer.node('Reshape', [value, target]);
}

/** The transformed input in int8 steps, 1 × (taps · channels) × tile rows × tile columns. */
function emitTaps(node: Node<WinogradOp>, { writer, inputs }: ExactIo): string {
  const { op } = node;
  const [x, w] = inputs as [Tensor, Tensor];
  const { size, tilesHigh, tilesWide, channels } = winogradShape(node, x.shape, w.shape);
  const transforms = winogradTransforms(op.tile);
  const taps = size * size;
  const kernel = Float32Array.from({ length: taps * taps }, (_, i) => {
    const [t, k] = [Math.floor(i / taps), i % taps];
    const [row, column] = [Math.floor(t / size), t % size];
    return transforms.input[row]![Math.floor(k / size)]! * transforms.input[column]![k % size]!;
  });
  const all = new Float32Array(channels * kernel.length);
  for (let c = 0; c < channels; c++) all.set(kernel, c * kernel.length);
  // The written x is without its zero point; taps are of the raw steps.
  const { zeroPoint } = quantOf(x);
  const constants = Float32Array.from({ length: channels * taps }, (_, i) => {
    const shift = zeroPoint * constantGain(transforms, i % taps);
    return shift === 0 ? 0 : shift;
  });
  const rest = (tiles: number, extent: number, before: number) => (tiles - 1) * op.tile + size - extent - before;
  const v = writer.node(
    'Conv',
    [
      writer.value(x),
      writer.constant('taps', [channels * taps, 1, size, size], all),
      writer.constant('constants', [channels * taps], constants),
    ],
    {
      group: channels,
      strides: [op.tile, op.tile],
      pads: [
        op.pads[0],
        op.pads[1],
        rest(tilesHigh, x.shape[1]!, op.pads[0]),
        rest(tilesWide, x.shape[2]!, op.pads[1]),
      ],
    },
  );
  const split = emitCast(writer, reshape(writer, v, [1, channels, taps, tilesHigh * tilesWide]), 'float64');
  const { multiplier, offset, qmin, qmax } = op.input;
  const perTap = (base: string, values: readonly number[]) => float64Constant(writer, base, [1, 1, taps, 1], values);
  const scaled = writer.node('Mul', [
    split,
    perTap(
      'scale',
      multiplier.map((m) => m / 2 ** 15),
    ),
  ]);
  const half = writer.node('Floor', [
    writer.node('Add', [
      scaled,
      perTap(
        'rounding',
        multiplier.map((_, t) => (t === size + 1 ? offset + 0.5 : 0.5)),
      ),
    ]),
  ]);
  const bound = (value: number) => writer.constant('bound', [], Float32Array.of(value));
  const q = writer.node('Clip', [emitCast(writer, half, 'float32'), bound(qmin), bound(qmax)]);
  const byTap = writer.node('Transpose', [q], { perm: [0, 2, 1, 3] });
  return reshape(writer, byTap, [1, taps * channels, tilesHigh, tilesWide]);
}

/** The taps' sums at their channel's scale, 1 × (taps · outputs) × tile rows × tile columns, float64. */
function emitTapSums(node: Node<WinogradOp>, { writer, inputs, output }: ExactIo, taps: string): string {
  const { op } = node;
  const [x, w] = inputs as [Tensor, Tensor];
  const { size, channels, outputs } = winogradShape(node, x.shape, w.shape);
  const count = size * size;
  // Rows of the weights are [channel][tap], the convolution's [tap][channel].
  const rowOf = (i: number): number => (i % outputs) * count + Math.floor(i / outputs);
  const sum = emitExactSum(writer, {
    weights: w.data as Int8Array,
    bias: new Int32Array(outputs * count),
    input: { scale: [1], zeroPoint: 0, qmin: op.input.qmin, qmax: op.input.qmax },
    channelDims: [1, outputs * count, 1, 1],
    emit: (weights) => {
      const ordered = new Float32Array(weights.length);
      for (let i = 0; i < outputs * count; i++) {
        const row = rowOf(i);
        ordered.set(weights.subarray(row * channels, (row + 1) * channels), i * channels);
      }
      const kernel = writer.constant('weights', [outputs * count, channels, 1, 1], ordered);
      return writer.node('Conv', [taps, kernel], { group: count });
    },
  });
  const { multiplier } = winogradScales(node, inputs, output);
  const spread = {
    dims: [1, outputs * count, 1, 1],
    channels: Array.from({ length: outputs * count }, (_, i) => rowOf(i)),
  };
  return emitScaled(writer, sum, { leftShift: op.leftShift, multiplier }, spread);
}

/** The output's transform, float64, stored 1 × outputs × height × width. */
function emitOutputs(node: Node<WinogradOp>, { writer, inputs, output }: ExactIo, sums: string): string {
  const { tile } = node.op;
  const [x, w] = inputs as [Tensor, Tensor];
  const { size, tilesHigh, tilesWide, outputs } = winogradShape(node, x.shape, w.shape);
  const transforms = winogradTransforms(tile);
  const taps = size * size;
  const coefficients = Float32Array.from({ length: taps * tile * tile }, (_, i) => {
    const [t, k] = [Math.floor(i / tile ** 2), i % tile ** 2];
    const [row, column] = [transforms.output[Math.floor(k / tile)]!, transforms.output[k % tile]!];
    return row[Math.floor(t / size)]! * column[t % size]!;
  });
  const last = writer.node('Transpose', [reshape(writer, sums, [1, taps, outputs, tilesHigh * tilesWide])], {
    perm: [0, 2, 3, 1],
  });
  const matrix = emitCast(writer, writer.constant('coefficients', [taps, tile ** 2], coefficients), 'float64');
  const tiles = reshape(writer, writer.node('MatMul', [last, matrix]), [1, outputs, tilesHigh, tilesWide, tile, tile]);
  const rows = writer.node('Transpose', [tiles], { perm: [0, 1, 2, 4, 3, 5] });
  const whole = reshape(writer, rows, [1, outputs, tilesHigh * tile, tilesWide * tile]);
  const [, height, width] = output.shape as [number, number, number];
  const ints = (base: string, values: readonly number[]) =>
    writer.constant(base, [values.length], Float64Array.from(values), 'int64');
  return writer.node('Slice', [whole, ints('starts', [0, 0]), ints('ends', [height, width]), ints('axes', [2, 3])]);
}
