import { formatShape, sizeOf } from '../graph/shape.ts';
import type { DepthToSpaceOp, Node, Shape, Tensor } from '../graph/types.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';

/** ONNX DepthToSpace: channels become pixels (pixel shuffle). */
function parse(im: Importer): void {
  const x = im.input(0);
  if (x.shape.length !== 4) throw im.invalid(`DepthToSpace of ${formatShape(x.shape)}: it takes N×C×H×W`);
  const block = im.node.attributes.int('blocksize');
  const mode = im.node.attributes.string('mode', 'DCR');
  if (mode !== 'DCR' && mode !== 'CRD') throw im.invalid(`its mode is ${mode}`);
  if (block < 1 || x.shape[1]! % block ** 2 !== 0) {
    throw im.invalid(`${x.shape[1]} channels do not fill blocks of ${block}×${block}`);
  }
  const y = im.emit({ kind: 'depthToSpace', block, mode }, [emitChannelsLast(im, x).id]);
  im.bind(emitChannelsFirst(im, y, 2));
}

function infer({ op: { block }, origin }: Node<DepthToSpaceOp>, inputs: readonly Tensor[]): Shape {
  const [n, h, w, c] = (inputs[0] as Tensor).shape as [number, number, number, number];
  if (c % block ** 2 !== 0) throw mismatch(origin, `${c} channels do not fill blocks of ${block}×${block}`);
  return [n, h * block, w * block, c / block ** 2];
}

function float(node: Node<DepthToSpaceOp>, io: FloatIo): void {
  const { block: blocksize, mode } = node.op;
  const x = io.writer.value(io.inputs[0] as Tensor);
  io.writer.bind(io.output, io.writer.node('DepthToSpace', [x], { blocksize, mode }));
}

/** How far the input's channels of neighbouring rows, columns and channels of a block are apart. */
export function channelSteps({ block, mode }: DepthToSpaceOp, channels: number): readonly [number, number, number] {
  return mode === 'DCR' ? [block * channels, channels, 1] : [block, 1, block ** 2];
}

/** The steps, moved; input and output have one quantization. */
function integer({ op }: Node<DepthToSpaceOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const [x] = io.values as [Int8Array];
  const [, , width, depth] = (io.inputs[0] as Tensor).shape as [number, number, number, number];
  const [, , outWidth, channels] = io.output.shape as [number, number, number, number];
  const [row, column, step] = channelSteps(op, channels);
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const pixel = Math.floor(i / channels);
    // Batch and height are one axis here: every image has whole blocks.
    const [oy, ox] = [Math.floor(pixel / outWidth), pixel % outWidth];
    const corner = Math.floor(oy / op.block) * width + Math.floor(ox / op.block);
    const channel = (oy % op.block) * row + (ox % op.block) * column + (i % channels) * step;
    return x[corner * depth + channel]!;
  });
}

export const depthToSpace: OpDefinition<DepthToSpaceOp> = {
  kind: 'depthToSpace',
  parsers: { DepthToSpace: parse },
  infer,
  float,
  integer,
  exact: float,
};
