import { sizeOf } from '../graph/shape.ts';
import type { MaxPoolOp, Node, Pads, Pair, Shape, Tensor } from '../graph/types.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';
import { parseCeilExtra, parseWindow, spatialOf, type Window, windowShape } from './window.ts';

/** ONNX MaxPool, 1-D and 2-D. */
function parse(im: Importer): void {
  if (im.usesOutput(1)) throw im.refuse('the indices of a MaxPool', 'Only its first output is supported.');
  const x = im.input(0);
  const spatial = spatialOf(im, x);
  const window = parseWindow(im, spatial, im.node.attributes.ints('kernel_shape'));
  emitPool(im, x, spatial, (image) => {
    const [, height, width] = image.shape as [number, number, number];
    const [extraBottom, extraRight] = parseCeilExtra(im, height, width, window);
    const [top, left, bottom, right] = window.pads;
    return { ...window, pads: [top, left, bottom + extraBottom, right + extraRight] };
  });
}

/** ONNX GlobalMaxPool. */
function parseGlobal(im: Importer): void {
  const x = im.input(0);
  emitPool(im, x, spatialOf(im, x), (image) => wholePlane(image));
}

function emitPool(im: Importer, x: Tensor, spatial: readonly number[], windowOf: (image: Tensor) => Window): void {
  const image = emitChannelsLast(im, x);
  const y = im.emit({ kind: 'maxPool', ...windowOf(image) }, [image.id]);
  im.bind(emitChannelsFirst(im, y, spatial.length));
}

function wholePlane(image: Tensor): Window {
  const kernel: Pair = [image.shape[1]!, image.shape[2]!];
  return { kernel, strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] };
}

function infer(node: Node<MaxPoolOp>, inputs: readonly Tensor[]): Shape {
  const [x] = inputs as [Tensor];
  const [height, width] = windowShape(node.origin, x.shape, node.op);
  return [x.shape[0]!, height, width, x.shape[3]!];
}

function float(node: Node<MaxPoolOp>, io: FloatIo): void {
  const { kernel, strides, dilations } = node.op;
  const [x] = io.inputs as [Tensor];
  let pads: Pads = node.op.pads;
  let value = io.writer.value(x);
  // ONNX Runtime takes no padding of a kernel's extent or more, as the rest of ceil_mode and dilation may need.
  if (pads[0] >= kernel[0] || pads[2] >= kernel[0] || pads[1] >= kernel[1] || pads[3] >= kernel[1]) {
    const [top, left, bottom, right] = pads;
    const amounts = io.writer.constant('pads', [8], Float64Array.of(0, 0, top, left, 0, 0, bottom, right));
    const lowest = io.writer.constant('lowest', [], Float32Array.of(-Infinity));
    value = io.writer.node('Pad', [value, amounts, lowest], { mode: 'constant' });
    pads = [0, 0, 0, 0];
  }
  io.writer.bind(io.output, io.writer.node('MaxPool', [value], { kernel_shape: kernel, strides, dilations, pads }));
}

/** The largest step of the window; input and output have one quantization. */
function integer(node: Node<MaxPoolOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const { kernel, strides, pads, dilations } = node.op;
  const [x] = io.values as [Int8Array];
  const [, height, width, channels] = (io.inputs[0] as Tensor).shape as [number, number, number, number];
  const [batch, outHeight, outWidth] = io.output.shape as [number, number, number];
  const out = new Int8Array(sizeOf(io.output.shape)).fill(-128);
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++, at += channels) {
        for (let ky = 0; ky < kernel[0]; ky++) {
          const y = oy * strides[0] - pads[0] + ky * dilations[0];
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kernel[1]; kx++) {
            const z = ox * strides[1] - pads[1] + kx * dilations[1];
            if (z < 0 || z >= width) continue;
            const from = ((n * height + y) * width + z) * channels;
            for (let c = 0; c < channels; c++) out[at + c] = Math.max(out[at + c]!, x[from + c]!);
          }
        }
      }
    }
  }
  return out;
}

export const maxPool: OpDefinition<MaxPoolOp> = {
  kind: 'maxPool',
  parsers: { MaxPool: parse, GlobalMaxPool: parseGlobal },
  infer,
  float,
  integer,
  exact: float,
};
