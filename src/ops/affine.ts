import { formatShape } from '../graph/shape.ts';
import type { AffineOp, Node, QuantParams, Shape, Tensor, TensorData } from '../graph/types.ts';
import type { FloatIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { channelDims } from './onnx-writer.ts';
import type { Constant, Importer } from './source.ts';

/** ONNX BatchNormalization in its inference form. */
function parseBatchNormalization(im: Importer): void {
  if (im.node.attributes.int('training_mode', 0) !== 0) {
    throw im.refuse(
      'a BatchNormalization in training mode',
      'Export the model for inference (model.eval() in PyTorch).',
    );
  }
  const epsilon = im.node.attributes.float('epsilon', 1e-5);
  const x = im.input(0);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => im.constant(i).data) as TensorData[];
  const scale = Float32Array.from(gamma!, (g, c) => g / Math.sqrt(variance![c]! + epsilon));
  const shift = Float32Array.from(beta!, (b, c) => b - (mean![c]! * gamma![c]!) / Math.sqrt(variance![c]! + epsilon));
  im.bind(emitAffine(im, x, scale, shift, 1));
}

/** A constant operand with one value, or one value for each channel of the other operand. */
export interface ChannelConstant {
  readonly constant: Constant;
  readonly x: Tensor;
  /** The axis of `x` that the constant varies along; undefined for a single value. */
  readonly axis: number | undefined;
}

/** The constant input `side` where it is such a one; undefined where it is broadcast in another way. */
export function channelConstant(im: Importer, side: 0 | 1): ChannelConstant | undefined {
  const constant = im.constant(side);
  const x = im.input(1 - side);
  const rank = x.shape.length;
  const aligned = constant.shape.map((extent, i) => ({ extent, axis: i + rank - constant.shape.length }));
  const varying = aligned.filter((d) => d.extent !== 1);
  const grows = aligned.some((d) => d.axis < 0) || varying.some((d) => d.extent !== x.shape[d.axis]);
  if (grows || varying.length > 1 || rank === 0) return undefined;
  const axis = varying[0]?.axis;
  const fits = axis === undefined || axis === rank - 1 || (axis === 1 && (rank === 3 || rank === 4));
  return fits ? { constant, x, axis } : undefined;
}

/** `x · scale + shift`, both computed from the constant. */
export function emitWithConstant(
  im: Importer,
  { constant, x, axis }: ChannelConstant,
  termsOf: (value: number) => { readonly scale: number; readonly shift: number },
): Tensor {
  // A scalar suits every axis; the last one needs no transposes.
  const count = x.shape[axis ?? x.shape.length - 1] ?? 1;
  const constantAt = (c: number): number => constant.data[axis === undefined ? 0 : c]!;
  const terms = Array.from({ length: count }, (_, c) => termsOf(constantAt(c)));
  const [scale, shift] = [terms.map((t) => t.scale), terms.map((t) => t.shift)].map((v) => Float32Array.from(v));
  // Where the constant is what is added or multiplied by, its integers are kept: they may meet others.
  const quant = constant.quant?.axis === undefined ? constant.quant : undefined;
  const added = terms.every((t, c) => t.scale === 1 && t.shift === constantAt(c));
  const multiplied = terms.every((t, c) => t.shift === 0 && t.scale === constantAt(c));
  const quants = { scale: multiplied && !added ? quant : undefined, shift: added ? quant : undefined };
  return emitAffine(im, x, scale!, shift!, axis ?? x.shape.length - 1, quants);
}

/** x · scale + shift along `axis` of an ONNX value: axis 1 (channels) or the last. */
function emitAffine(
  im: Importer,
  x: Tensor,
  scale: Float32Array,
  shift: Float32Array,
  axis: number,
  quants: { readonly scale?: QuantParams | undefined; readonly shift?: QuantParams | undefined } = {},
): Tensor {
  if (scale.length !== x.shape[axis] || shift.length !== scale.length) {
    throw im.invalid(`${scale.length} channel parameters do not fit an input of ${formatShape(x.shape)}`);
  }
  const constants = [
    im.addConstant(`${im.node.name}.scale`, [scale.length], scale, quants.scale),
    im.addConstant(`${im.node.name}.shift`, [scale.length], shift, quants.shift),
  ];
  return onChannels(im, x, axis, (image) => im.emit({ kind: 'affine' }, [image.id, ...constants]));
}

/** What `emit` makes of `x` with the axis (1 or the last) last; in the order of `x` again. */
export function onChannels(im: Importer, x: Tensor, axis: number, emit: (image: Tensor) => Tensor): Tensor {
  const rank = x.shape.length;
  if (axis === rank - 1) return emit(x);
  if (axis !== 1 || (rank !== 3 && rank !== 4)) {
    throw im.refuse(
      `parameters along axis ${axis} of ${formatShape(x.shape)}`,
      'Only one value for each channel (axis 1, or the last axis) is supported.',
    );
  }
  return emitChannelsFirst(im, emit(emitChannelsLast(im, x)), rank - 2);
}

function infer(node: Node<AffineOp>, inputs: readonly Tensor[]): Shape {
  const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
  const channels = x.shape.at(-1);
  if (scale.shape[0] !== channels || shift.shape[0] !== channels) {
    throw mismatch(node.origin, `${scale.shape[0]} channel parameters do not fit an input of ${formatShape(x.shape)}`);
  }
  return x.shape;
}

function float(_node: Node<AffineOp>, io: FloatIo): void {
  const [x, scale, shift] = io.inputs as [Tensor, Tensor, Tensor];
  const { writer } = io;
  const broadcast = (t: Tensor): string =>
    writer.constant(t.id, channelDims(t.shape[0]!, x.shape.length), t.data ?? new Float32Array());
  const product = writer.node('Mul', [writer.value(x), broadcast(scale)]);
  writer.bind(io.output, writer.node('Add', [product, broadcast(shift)]));
}

export const affine: OpDefinition<AffineOp> = {
  kind: 'affine',
  parsers: { BatchNormalization: parseBatchNormalization },
  infer,
  float,
};
