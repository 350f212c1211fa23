import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { Node, Shape, Tensor, WinogradOp } from '../graph/types.ts';
import { sqrdmulh32 } from '../numeric/neon.ts';
import { requantize, toOutput } from '../numeric/requantize.ts';
import { sandwich, winogradTransforms } from '../numeric/winograd.ts';
import type { IntegerIo, OpDefinition, Reduction } from './definition.ts';
import { integerClamp, quantOf } from './quantized.ts';
import { exactWinograd } from './winograd-exact.ts';
import { outputExtent, quantizeTap, winogradScales, winogradShape } from './winograd-parts.ts';

/**
 * A 3×3 convolution in the Winograd domain: never read from a file's operators, but put in place of a conv2d by the
 * quantizer. It rounds its transformed input to int8, so its integers are not those of the convolution: an operator of its own.
 */

function infer({ op }: Node<WinogradOp>, inputs: readonly Tensor[]): Shape {
  const [x, w] = [must(inputs[0], 'x'), must(inputs[1], 'w')];
  const { size } = winogradTransforms(op.tile);
  return [x.shape[0]!, ...outputExtent(op, x.shape[1]!, x.shape[2]!), w.shape[0]! / size ** 2];
}

function integer(node: Node<WinogradOp>, io: IntegerIo): Int8Array {
  const [xt, wt] = io.inputs as [Tensor, Tensor];
  const [x, w, b] = io.values as [Int8Array, Int8Array, Int32Array];
  const { op } = node;
  const { size, tilesHigh, tilesWide, channels, outputs } = winogradShape(node, xt.shape, wt.shape);
  const transforms = winogradTransforms(op.tile);
  const [batch, height, width] = xt.shape as [number, number, number];
  const [, outHeight, outWidth] = io.output.shape as [number, number, number];
  const scales = winogradScales(node, io.inputs, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, op.clamp);
  const zeroIn = quantOf(xt).zeroPoint;
  const taps = size * size;
  const out = new Int8Array(batch * outHeight * outWidth * outputs);
  const window = new Int32Array(taps);
  const q = new Int32Array(taps * channels);
  const r = new Int32Array(taps);
  for (let i = 0; i < batch * tilesHigh * tilesWide; i++) {
    const [n, ty] = [Math.floor(i / tilesWide / tilesHigh), Math.floor(i / tilesWide) % tilesHigh];
    const [top, left] = [ty * op.tile, (i % tilesWide) * op.tile];
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < taps; k++) {
        const iy = top - op.pads[0] + Math.floor(k / size);
        const ix = left - op.pads[1] + (k % size);
        const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
        window[k] = inside ? x[((n * height + iy) * width + ix) * channels + c]! : zeroIn;
      }
      const v = sandwich(transforms.input, window);
      for (let t = 0; t < taps; t++) q[t * channels + c] = quantizeTap(op.input, size, t, v[t]!);
    }
    for (let o = 0; o < outputs; o++) {
      for (let t = 0; t < taps; t++) {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += q[t * channels + c]! * w[(o * taps + t) * channels + c]!;
        r[t] = sqrdmulh32(sum * 2 ** op.leftShift, scales.multiplier[o * taps + t]!);
      }
      const y = sandwich(transforms.output, r);
      for (let k = 0; k < op.tile ** 2; k++) {
        const [oy, ox] = [top + Math.floor(k / op.tile), left + (k % op.tile)];
        if (oy >= outHeight || ox >= outWidth) continue;
        out[((n * outHeight + oy) * outWidth + ox) * outputs + o] = toOutput(
          requantize(scales.requantizer, y[k]! + b[o]!, o),
          zeroPoint,
          lo,
          hi,
        );
      }
    }
  }
  return out;
}

function reduction({ op }: Node<WinogradOp>, inputs: readonly Tensor[]): Reduction {
  const [x, w] = inputs as [Tensor, Tensor];
  const [rows, length] = w.shape as [number, number];
  const { size } = winogradTransforms(op.tile);
  const [height, width] = outputExtent(op, x.shape[1]!, x.shape[2]!);
  return {
    channels: rows,
    length,
    runLength: length,
    depthwise: false,
    operands: { lo: op.input.qmin, hi: op.input.qmax },
    macs: (rows / size ** 2) * height * width * 9 * length,
  };
}

/** Its float meaning is that of the convolution it stands for (`onnx/export-qdq` writes that), so none is here. */
export const winograd: OpDefinition<WinogradOp> = {
  kind: 'winograd',
  parsers: {},
  infer,
  float: (node) => {
    throw invariant('a Winograd convolution has no float form of its own', node.id);
  },
  integer,
  exact: exactWinograd,
  reduction,
};
