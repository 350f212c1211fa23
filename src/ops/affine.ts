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

/** ONNX Mul and Div by a constant; Sub of a constant, or from one. */
function parseArithmetic(im: Importer): void {
  const { opType } = im.node;
  const side = im.isConstant(0) ? 0 : 1;
  if (!im.isConstant(side) || (opType === 'Div' && side === 0)) {
    const what = side === 0 ? 'a constant divided by a tensor' : `${opType} of two computed tensors`;
    throw im.refuse(what, `Only ${opType} with a constant for each channel is supported.`);
  }
  emitWithConstant(im, side, (v) => {
    if (opType === 'Mul') return { scale: v, shift: 0 };
    if (opType === 'Div') return { scale: 1 / v, shift: 0 };
    return side === 0 ? { scale: -1, shift: v } : { scale: 1, shift: -v };
  });
}

/**
 * Binds `x · scale + shift`, both computed from the constant input `side`, which may hold one value or one along one
 * axis. Other broadcasts are refused. Also the constant form of Add.
 */
export function emitWithConstant(
  im: Importer,
  side: number,
  termsOf: (value: number) => { readonly scale: number; readonly shift: number },
): void {
  const constant = im.constant(side);
  const x = im.input(1 - side);
  const axis = broadcastAxis(im, constant, x);
  // A scalar suits every axis; the last one needs no transposes.
  const count = x.shape[axis ?? x.shape.length - 1] ?? 1;
  const terms = Array.from({ length: count }, (_, c) => termsOf(constant.data[axis === undefined ? 0 : c]!));
  const [scale, shift] = [terms.map((t) => t.scale), terms.map((t) => t.shift)].map((v) => Float32Array.from(v));
  // Where the constant is what is added, its integers are kept: they may meet others.
  const added = terms.every((t, c) => t.scale === 1 && t.shift === constant.data[axis === undefined ? 0 : c]);
  const quant = added && constant.quant?.axis === undefined ? constant.quant : undefined;
  im.bind(emitAffine(im, x, scale!, shift!, axis ?? x.shape.length - 1, quant));
}

/** The axis of `x` that the constant varies along; undefined for a single value. */
function broadcastAxis(im: Importer, constant: Constant, x: Tensor): number | undefined {
  const aligned = constant.shape.map((extent, i) => ({ extent, axis: i + x.shape.length - constant.shape.length }));
  const varying = aligned.filter((d) => d.extent !== 1);
  const grows = aligned.some((d) => d.axis < 0) || varying.some((d) => d.extent !== x.shape[d.axis]);
  if (grows || varying.length > 1) {
    throw im.refuse(
      `a constant of ${formatShape(constant.shape)} with a tensor of ${formatShape(x.shape)}`,
      'Only one value, or one value for each channel, is supported; broadcast along other axes is not.',
    );
  }
  return varying[0]?.axis;
}

/** x · scale + shift along `axis` of an ONNX value: axis 1 (channels) or the last. */
function emitAffine(
  im: Importer,
  x: Tensor,
  scale: Float32Array,
  shift: Float32Array,
  axis: number,
  quant?: QuantParams,
): Tensor {
  const rank = x.shape.length;
  if (scale.length !== x.shape[axis] || shift.length !== scale.length) {
    throw im.invalid(`${scale.length} channel parameters do not fit an input of ${formatShape(x.shape)}`);
  }
  const constants = [
    im.addConstant(`${im.node.name}.scale`, [scale.length], scale),
    im.addConstant(`${im.node.name}.shift`, [scale.length], shift, quant),
  ];
  if (axis === rank - 1) return im.emit({ kind: 'affine' }, [x.id, ...constants]);
  if (axis !== 1 || (rank !== 3 && rank !== 4)) {
    throw im.refuse(
      `a constant along axis ${axis} of ${formatShape(x.shape)}`,
      'Only one value for each channel (axis 1, or the last axis) is supported.',
    );
  }
  const y = im.emit({ kind: 'affine' }, [emitChannelsLast(im, x).id, ...constants]);
  return emitChannelsFirst(im, y, rank - 2);
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
  parsers: {
    BatchNormalization: parseBatchNormalization,
    Mul: parseArithmetic,
    Div: parseArithmetic,
    Sub: parseArithmetic,
  },
  infer,
  float,
};
