import { formatShape } from '../graph/shape.ts';
import type { AddOp, MulOp, Tensor } from '../graph/types.ts';
import { channelConstant, emitWithConstant, onChannels } from './affine.ts';
import { alignedTensors } from './broadcast.ts';
import type { Importer, SourceParser } from './source.ts';

/** ONNX Add, Sub, Mul and Div: of two tensors, or with a constant. */

interface Terms {
  readonly scale: number;
  readonly shift: number;
}

/** What an operator with the constant `v` as operand `side` does to the other one. */
type TermsOf = (v: number, side: 0 | 1) => Terms;

function parseAs(op: AddOp | MulOp, termsOf: TermsOf): SourceParser {
  return (im) => {
    if (im.isConstant(0) || im.isConstant(1)) {
      const side = im.isConstant(0) ? 0 : 1;
      const constant = channelConstant(im, side);
      if (constant !== undefined) {
        im.bind(emitWithConstant(im, constant, (v) => termsOf(v, side)));
        return;
      }
    }
    const operands = alignedTensors(im, im.input(0), im.input(1));
    im.bind(
      im.emit(
        op,
        operands.map((t) => t.id),
      ),
    );
  };
}

/** A quotient is the product with the reciprocal. */
function parseDiv(im: Importer): void {
  if (im.isConstant(1)) {
    const divisor = im.constant(1);
    if (divisor.data.some((v) => v === 0)) throw im.invalid('it divides by a constant 0');
    const constant = channelConstant(im, 1);
    if (constant !== undefined) {
      im.bind(emitWithConstant(im, constant, (v) => ({ scale: 1 / v, shift: 0 })));
      return;
    }
    const data = Float32Array.from(divisor.data, (v) => 1 / v);
    const id = im.addConstant(`${im.node.name}.inverse`, divisor.shape, data);
    multiply(im, im.input(0), { id, shape: divisor.shape, dtype: 'float32', data });
    return;
  }
  multiply(im, im.input(0), im.emit({ kind: 'unary', fn: { name: 'reciprocal' } }, [im.input(1).id]));
}

function multiply(im: Importer, a: Tensor, b: Tensor): void {
  const operands = alignedTensors(im, a, b);
  im.bind(
    im.emit(
      { kind: 'mul' },
      operands.map((t) => t.id),
    ),
  );
}

function sumOfAll(im: Importer): Tensor {
  const [first, ...rest] = im.node.inputs.map((_, i) => im.input(i));
  if (first === undefined) throw im.invalid('it has no input');
  return rest.reduce((sum, t) => {
    const operands = alignedTensors(im, sum, t);
    return im.emit(
      { kind: 'add' },
      operands.map((o) => o.id),
    );
  }, first);
}

/** ONNX Sum of any number of tensors. */
function parseSum(im: Importer): void {
  im.bind(sumOfAll(im));
}

/** ONNX Mean of any number of tensors. */
function parseMean(im: Importer): void {
  const scale = Math.fround(1 / im.node.inputs.length);
  im.bind(im.emit({ kind: 'unary', fn: { name: 'linear', scale, shift: 0 } }, [sumOfAll(im).id]));
}

/** ONNX PRelu: one slope, or one for each channel. */
function parsePRelu(im: Importer): void {
  const x = im.input(0);
  const slope = im.constant(1);
  const [first] = slope.data;
  if (slope.data.every((v) => v === first)) {
    im.bind(im.emit({ kind: 'unary', fn: { name: 'leakyRelu', alpha: first! } }, [x.id]));
    return;
  }
  const constant = channelConstant(im, 1);
  if (constant?.axis === undefined) {
    throw im.refuse(
      `slopes of ${formatShape(slope.shape)} for a tensor of ${formatShape(x.shape)}`,
      'Give PRelu one slope, or one for each channel.',
    );
  }
  const slopes = Array.from(slope.data);
  im.bind(onChannels(im, x, constant.axis, (image) => im.emit({ kind: 'prelu', slopes }, [image.id])));
}

export const arithmetic: Readonly<Record<string, SourceParser>> = {
  Add: parseAs({ kind: 'add' }, (v) => ({ scale: 1, shift: v })),
  Sub: parseAs({ kind: 'add', subtract: true }, (v, side) =>
    side === 0 ? { scale: -1, shift: v } : { scale: 1, shift: -v },
  ),
  Mul: parseAs({ kind: 'mul' }, (v) => ({ scale: v, shift: 0 })),
  Div: parseDiv,
  Sum: parseSum,
  Mean: parseMean,
  PRelu: parsePRelu,
};
