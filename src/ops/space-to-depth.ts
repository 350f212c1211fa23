import { formatShape, sizeOf } from '../graph/shape.ts';
import type { Node, Shape, SpaceToDepthOp, Tensor } from '../graph/types.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';

/** ONNX SpaceToDepth: the pixels of a block become channels. */
function parse(im: Importer): void {
  const x = im.input(0);
  if (x.shape.length !== 4) throw im.invalid(`SpaceToDepth of ${formatShape(x.shape)}: it takes N×C×H×W`);
  const block = im.node.attributes.int('blocksize');
  if (block < 1 || x.shape[2]! % block !== 0 || x.shape[3]! % block !== 0) {
    throw im.invalid(`blocks of ${block}×${block} do not fill ${formatShape(x.shape)}`);
  }
  im.bind(emitChannelsFirst(im, im.emit({ kind: 'spaceToDepth', block }, [emitChannelsLast(im, x).id]), 2));
}

function infer({ op: { block }, origin }: Node<SpaceToDepthOp>, inputs: readonly Tensor[]): Shape {
  const [n, h, w, c] = (inputs[0] as Tensor).shape as [number, number, number, number];
  if (h % block !== 0 || w % block !== 0) throw mismatch(origin, `blocks of ${block} do not fill ${h}×${w}`);
  return [n, h / block, w / block, c * block ** 2];
}

function float(node: Node<SpaceToDepthOp>, { writer, inputs, output }: FloatIo): void {
  const x = writer.value(inputs[0] as Tensor);
  writer.bind(output, writer.node('SpaceToDepth', [x], { blocksize: node.op.block }));
}

/** The steps, moved; input and output have one quantization. */
function integer({ op: { block } }: Node<SpaceToDepthOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const [x] = io.values as [Int8Array];
  const [, , width, channels] = (io.inputs[0] as Tensor).shape as [number, number, number, number];
  const [, , outWidth, depth] = io.output.shape as [number, number, number, number];
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const pixel = Math.floor(i / depth);
    // Batch and height are one axis here: every image has whole blocks.
    const [oy, ox] = [Math.floor(pixel / outWidth), pixel % outWidth];
    const position = Math.floor((i % depth) / channels);
    const [row, column] = [oy * block + Math.floor(position / block), ox * block + (position % block)];
    return x[(row * width + column) * channels + (i % channels)]!;
  });
}

export const spaceToDepth: OpDefinition<SpaceToDepthOp> = {
  kind: 'spaceToDepth',
  parsers: { SpaceToDepth: parse },
  infer,
  float,
  integer,
  exact: float,
};
