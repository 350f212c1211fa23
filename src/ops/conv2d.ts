import { must } from '../core/must.ts';
import { formatShape, sizeOf, transposeData } from '../graph/shape.ts';
import type { Conv2dOp, Node, Shape, Tensor, TensorId } from '../graph/types.ts';
import { requantize, toOutput } from '../numeric/requantize.ts';
import { emitClamp } from './clamp.ts';
import { parseConvTranspose } from './conv-transpose.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition, Reduction } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitRequantized, spreadChannels } from './exact-requantize.ts';
import { emitExactSum } from './exact-sum.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { channelDims } from './onnx-writer.ts';
import { integerClamp, quantOf, reductionRequantizer } from './quantized.ts';
import type { Importer } from './source.ts';
import { storedPermutation } from './stored.ts';
import { parseWindow, spatialOf, windowShape } from './window.ts';

/** ONNX Conv, 1-D and 2-D. Weights O×(C/g)×kh×kw become O×kh×kw×(C/g). */
function parse(im: Importer): void {
  const x = im.input(0);
  const w = im.constant(1);
  const spatial = spatialOf(im, x);
  const groups = im.node.attributes.int('group', 1);
  const [channels, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  if (perGroup * groups !== x.shape[1] || channels % groups !== 0 || kernel.length !== spatial.length) {
    throw im.invalid(
      `weights of ${formatShape(w.shape)} in ${groups} group(s) do not fit an input of ${formatShape(x.shape)}`,
    );
  }
  const { kernel: k, ...window } = parseWindow(im, spatial, im.node.attributes.ints('kernel_shape', kernel));
  const source: Shape = [channels, perGroup, ...k];
  if (sizeOf(source) !== w.data.length)
    throw im.invalid(`kernel_shape does not fit weights of ${formatShape(w.shape)}`);
  const data = transposeData(w.data, source, [0, 2, 3, 1], w.data.slice());
  // Only a scale for each output channel keeps its meaning in the new layout.
  const quant = w.quant?.axis === undefined || w.quant.axis === 0 ? w.quant : undefined;
  const weights = im.addConstant(`${im.node.name}.weight`, [channels, ...k, perGroup], data, quant);
  const y = im.emit({ kind: 'conv2d', ...window, groups }, [
    emitChannelsLast(im, x).id,
    weights,
    parseBias(im, channels),
  ]);
  im.bind(emitChannelsFirst(im, y, spatial.length));
}

function parseBias(im: Importer, channels: number): TensorId {
  const name = `${im.node.name}.bias`;
  if (!im.has(2)) return im.addConstant(name, [channels], new Float32Array(channels));
  const bias = im.constant(2);
  if (bias.data.length !== channels) throw im.invalid(`a bias of ${formatShape(bias.shape)} for ${channels} channels`);
  return im.addConstant(name, [channels], bias.data, bias.quant);
}

function infer(node: Node<Conv2dOp>, inputs: readonly Tensor[]): Shape {
  const [x, w] = [must(inputs[0], 'x'), must(inputs[1], 'w')];
  if (w.shape[3]! * node.op.groups !== x.shape[3]) {
    throw mismatch(node.origin, `weights of ${formatShape(w.shape)} do not fit an input of ${formatShape(x.shape)}`);
  }
  const kernel: [number, number] = [w.shape[1]!, w.shape[2]!];
  const [height, width] = windowShape(node.origin, x.shape, { ...node.op, kernel });
  return [x.shape[0]!, height, width, w.shape[0]!];
}

function float(node: Node<Conv2dOp>, io: FloatIo): void {
  const [x, w, b] = io.inputs.map((t) => io.writer.value(t));
  const { strides, pads, dilations, groups, clamp } = node.op;
  const y = io.writer.node('Conv', [x!, w!, b!], { strides, pads, dilations, group: groups });
  io.writer.bind(io.output, emitClamp(io.writer, y, clamp));
}

/**
 * `acc = b[o] + Σ (x − zp_x)·w` over the taps inside the input, in 32 bits; then requantized by s_x·s_w[o] / s_y, plus the
 * output's zero point, clamped.
 */
function integer(node: Node<Conv2dOp>, io: IntegerIo): Int8Array {
  const [xt, wt] = io.inputs as [Tensor, Tensor];
  const [x, w, b] = io.values as [Int8Array, Int8Array, Int32Array];
  const { strides, pads, dilations, groups } = node.op;
  const [, height, width, channelsIn] = xt.shape as [number, number, number, number];
  const [channels, kh, kw, perGroup] = wt.shape as [number, number, number, number];
  const [batch, outHeight, outWidth] = io.output.shape as [number, number, number];
  const requantizer = reductionRequantizer(node, io.inputs, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, node.op.clamp);
  const zeroIn = quantOf(xt).zeroPoint;
  const out = new Int8Array(sizeOf(io.output.shape));
  let at = 0;
  for (let row = 0; row < batch * outHeight; row++) {
    const [n, oy] = [Math.floor(row / outHeight), row % outHeight];
    for (let ox = 0; ox < outWidth; ox++) {
      for (let o = 0; o < channels; o++) {
        const firstChannel = Math.floor(o / (channels / groups)) * perGroup;
        let acc = b[o]!;
        for (let ky = 0; ky < kh; ky++) {
          const iy = oy * strides[0] - pads[0] + ky * dilations[0];
          if (iy < 0 || iy >= height) continue; // padding is the zero point: it adds nothing
          for (let kx = 0; kx < kw; kx++) {
            const ix = ox * strides[1] - pads[1] + kx * dilations[1];
            if (ix < 0 || ix >= width) continue;
            const xAt = ((n * height + iy) * width + ix) * channelsIn + firstChannel;
            const wAt = ((o * kh + ky) * kw + kx) * perGroup;
            for (let c = 0; c < perGroup; c++) acc += (x[xAt + c]! - zeroIn) * w[wAt + c]!;
          }
        }
        out[at++] = toOutput(requantize(requantizer, acc, o), zeroPoint, lo, hi);
      }
    }
  }
  return out;
}

function exact(node: Node<Conv2dOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [x, w, b] = io.inputs as [Tensor, Tensor, Tensor];
  const { strides, pads, dilations, groups: group } = node.op;
  const [channels, kh, kw, perGroup] = w.shape as [number, number, number, number];
  const dims = channelDims(channels, 4);
  const sum = emitExactSum(writer, {
    weights: w.data as Int8Array,
    bias: b.data as Int32Array,
    input: quantOf(x),
    channelDims: dims,
    emit: (weights, bias) => {
      const stored = transposeData(weights, w.shape, storedPermutation, new Float32Array(weights.length));
      const operands = [writer.value(x), writer.constant('weights', [channels, perGroup, kh, kw], stored)];
      if (bias !== undefined) operands.push(writer.constant('bias', [channels], bias));
      return writer.node('Conv', operands, { strides, pads, dilations, group });
    },
  });
  const requantizer = reductionRequantizer(node, io.inputs, output);
  const clamp = integerClamp(output, node.op.clamp);
  writer.bind(output, emitRequantized(writer, sum, requantizer, spreadChannels(dims, channels), clamp));
}

function reduction(node: Node<Conv2dOp>, inputs: readonly Tensor[]): Reduction {
  const [x, w] = inputs as [Tensor, Tensor];
  const [channels, kh, kw, perGroup] = w.shape as [number, number, number, number];
  const [, height, width] = infer(node, inputs) as [number, number, number];
  const { groups, dilations } = node.op;
  const contiguousRows = groups === 1 && (dilations[1] === 1 || kw === 1);
  const runLength = contiguousRows ? kw * perGroup : perGroup;
  return {
    channels,
    length: kh * kw * perGroup,
    runLength,
    // Less than three quarters of the 16-byte steps of a row would be products.
    shortRows: contiguousRows && dilations[1] === 1 && perGroup <= 4 && runLength < 12 * Math.ceil(runLength / 16),
    depthwise: groups === x.shape[3] && perGroup === 1 && channels === groups,
    macs: channels * height * width * kh * kw * perGroup,
  };
}

export const conv2d: OpDefinition<Conv2dOp> = {
  kind: 'conv2d',
  parsers: { Conv: parse, ConvTranspose: parseConvTranspose },
  infer,
  float,
  integer,
  exact,
  reduction,
};
