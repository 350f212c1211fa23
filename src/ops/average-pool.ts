import { sizeOf } from '../graph/shape.ts';
import type { AveragePoolOp, Node, Pads, Pair, Shape, Tensor } from '../graph/types.ts';
import { requantize, toOutput } from '../numeric/requantize.ts';
import { exactFloat32Pool, float32Pool } from './average-pool-float32.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitRequantized, type Spread } from './exact-requantize.ts';
import { type ExactSum, emitCast, emitExactSum } from './exact-sum.ts';
import { globalPool, isGlobalPool } from './float32.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { channelDims } from './onnx-writer.ts';
import { type PoolDivision, poolDivision } from './pool-division.ts';
import { integerClamp, largestMagnitude, quantOf } from './quantized.ts';
import type { Importer } from './source.ts';
import { parseCeilExtra, parseWindow, spatialOf, windowShape } from './window.ts';

/** ONNX AveragePool, 1-D and 2-D. */
function parse(im: Importer): void {
  const x = im.input(0);
  const spatial = spatialOf(im, x);
  const { dilations, ...window } = parseWindow(im, spatial, im.node.attributes.ints('kernel_shape'));
  if (dilations.some((d) => d !== 1)) throw im.refuse('a dilated AveragePool', 'Only dilation 1 is supported.');
  const image = emitChannelsLast(im, x);
  const [, height, width] = image.shape as [number, number, number];
  const ceilExtra = parseCeilExtra(im, height, width, { ...window, dilations });
  const countIncludePad = im.node.attributes.int('count_include_pad', 0) !== 0;
  const y = im.emit({ kind: 'averagePool', ...window, countIncludePad, ceilExtra }, [image.id]);
  im.bind(emitChannelsFirst(im, y, spatial.length));
}

/** ONNX GlobalAveragePool. */
function parseGlobal(im: Importer): void {
  const x = im.input(0);
  const spatial = spatialOf(im, x);
  const image = emitChannelsLast(im, x);
  const y = emitMean(im, image, [image.shape[1]!, image.shape[2]!]);
  im.bind(emitChannelsFirst(im, y, spatial.length));
}

function emitMean(im: Importer, image: Tensor, kernel: Pair): Tensor {
  const none = { pads: [0, 0, 0, 0], ceilExtra: [0, 0], countIncludePad: false } as const;
  return im.emit({ kind: 'averagePool', kernel, strides: [1, 1], ...none }, [image.id]);
}

function infer(node: Node<AveragePoolOp>, inputs: readonly Tensor[]): Shape {
  const [x] = inputs as [Tensor];
  const { kernel, strides, pads, ceilExtra } = node.op;
  const all: Pads = [pads[0], pads[1], pads[2] + ceilExtra[0], pads[3] + ceilExtra[1]];
  const [height, width] = windowShape(node.origin, x.shape, { kernel, strides, pads: all, dilations: [1, 1] });
  return [x.shape[0]!, height, width, x.shape[3]!];
}

function float(node: Node<AveragePoolOp>, io: FloatIo): void {
  const { kernel, strides, pads, ceilExtra, countIncludePad } = node.op;
  const { writer } = io;
  const [x] = io.inputs as [Tensor];
  if (node.op.sum) {
    const along = [2, 3].filter((_, i) => kernel[i] === x.shape[i + 1]);
    const axes = writer.constant('axes', [along.length], Float64Array.from(along));
    const total = writer.node('ReduceSum', [writer.value(x), axes], { keepdims: 1 });
    writer.bind(io.output, emitClamp(writer, total, node.op.clamp));
    return;
  }
  const [top, left, bottom, right] = pads;
  let value = writer.value(x);
  let written: Pads = [top, left, bottom + ceilExtra[0], right + ceilExtra[1]];
  if (countIncludePad && pads.some((p) => p > 0)) {
    // Real zeros count; the rest of ceil_mode, as ONNX padding, does not.
    const amounts = writer.constant('pads', [8], Float64Array.of(0, 0, top, left, 0, 0, bottom, right));
    value = writer.node('Pad', [value, amounts], { mode: 'constant' });
    written = [0, 0, ceilExtra[0], ceilExtra[1]];
  }
  const whole = kernel[0] === x.shape[1] && kernel[1] === x.shape[2] && written.every((p) => p === 0);
  const y =
    whole && value === writer.value(x)
      ? writer.node('GlobalAveragePool', [value])
      : writer.node('AveragePool', [value], { kernel_shape: kernel, strides, pads: written });
  writer.bind(io.output, emitClamp(writer, y, node.op.clamp));
}

/**
 * The sum of `x − zp_x` over the window's positions inside the input, requantized (`fixed`) by s_x / (s_y · divisor); the
 * divisor is that of `poolDivision`, 1 for a sum, and depends on the position where padding does not count.
 */
function integer(node: Node<AveragePoolOp>, io: IntegerIo): Int8Array {
  const { kernel, strides, pads, clamp } = node.op;
  const [input] = io.inputs as [Tensor];
  if (node.op.requant === 'float32' && !isGlobalPool(node.op, input)) return float32Pool(node.op, io);
  const [x] = io.values as [Int8Array];
  const [, height, width, channels] = input.shape as [number, number, number, number];
  const [batch, outHeight, outWidth] = io.output.shape as [number, number, number];
  const { requantizer, indexAt } = divisionOf(node.op, input, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, clamp);
  const zeroIn = quantOf(input).zeroPoint;
  const out = new Int8Array(sizeOf(io.output.shape));
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const [top, left] = [oy * strides[0] - pads[0], ox * strides[1] - pads[1]];
        const [bottom, right] = [Math.min(height, top + kernel[0]), Math.min(width, left + kernel[1])];
        const divisor = indexAt(oy, ox);
        for (let c = 0; c < channels; c++) {
          let acc = 0;
          for (let y = Math.max(0, top); y < bottom; y++) {
            for (let z = Math.max(0, left); z < right; z++) {
              acc += x[((n * height + y) * width + z) * channels + c]! - zeroIn;
            }
          }
          out[at++] = toOutput(requantize(requantizer, acc, divisor), zeroPoint, lo, hi);
        }
      }
    }
  }
  return out;
}

/** The division, by ONNX Runtime's multiplier where the integers are to be its own. */
function divisionOf(op: AveragePoolOp, input: Tensor, output: Tensor): PoolDivision {
  const division = poolDivision(op, input, output);
  return op.requant === 'float32' ? { ...division, requantizer: globalPool(op, input, output) } : division;
}

function exact(node: Node<AveragePoolOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [x] = io.inputs as [Tensor];
  const [, height, width] = output.shape as [number, number, number];
  if (node.op.requant === 'float32' && !isGlobalPool(node.op, x)) {
    exactFloat32Pool(node.op, io);
    return;
  }
  const { divisors, requantizer, indexAt } = divisionOf(node.op, x, output);
  const positions = Array.from({ length: height * width }, (_, i) => indexAt(Math.floor(i / width), i % width));
  const spread: Spread =
    divisors.length === 1
      ? { dims: [1, 1, 1, 1], channels: [0] }
      : { dims: [1, 1, height, width], channels: positions };
  const clamp = integerClamp(output, node.op.clamp);
  writer.bind(output, emitRequantized(writer, windowSum(node.op, x, io), requantizer, spread, clamp));
}

/** The sum over each window: of the whole plane as a reduction, else as a depthwise convolution with ones. */
function windowSum(op: AveragePoolOp, x: Tensor, { writer, output }: ExactIo): ExactSum {
  const { kernel, strides, pads, ceilExtra } = op;
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const area = kernel[0] * kernel[1];
  const whole = kernel[0] === height && kernel[1] === width && output.shape[1] === 1 && output.shape[2] === 1;
  if (whole && pads.every((p) => p === 0)) {
    const largest = area * largestMagnitude(quantOf(x));
    const type = largest < 2 ** 24 ? 'float32' : 'float64';
    const value = type === 'float32' ? writer.value(x) : emitCast(writer, writer.value(x), type);
    const axes = writer.constant('axes', [2], Float64Array.of(2, 3));
    return { name: writer.node('ReduceSum', [value, axes], { keepdims: 1 }), type, largest };
  }
  const [top, left, bottom, right] = pads;
  const attributes = { strides, pads: [top, left, bottom + ceilExtra[0], right + ceilExtra[1]], group: channels };
  return emitExactSum(writer, {
    weights: new Int8Array(channels * area).fill(1),
    bias: new Int32Array(channels),
    input: quantOf(x),
    channelDims: channelDims(channels, 4),
    emit: (weights) => {
      const ones = writer.constant('ones', [channels, 1, ...kernel], weights);
      return writer.node('Conv', [writer.value(x), ones], attributes);
    },
  });
}

export const averagePool: OpDefinition<AveragePoolOp> = {
  kind: 'averagePool',
  parsers: { AveragePool: parse, GlobalAveragePool: parseGlobal },
  infer,
  float,
  integer,
  exact,
};
