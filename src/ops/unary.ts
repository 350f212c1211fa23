import type { Expression, Node, PlainFunction, Tensor, UnaryFunction, UnaryOp } from '../graph/types.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitCast } from './exact-sum.ts';
import { quantOf } from './quantized.ts';
import type { Importer, SourceParser } from './source.ts';
import { unaryTable } from './tables.ts';
import { plainFunctions, writeUnary } from './unary-functions.ts';

function parseAs(functionOf: (im: Importer) => UnaryFunction): SourceParser {
  return (im) => im.bind(im.emit({ kind: 'unary', fn: functionOf(im) }, [im.input(0).id]));
}

/** Nothing happens to the value at inference time. */
function parseNothing(im: Importer): void {
  const trains = im.has(2) && (!im.isConstant(2) || im.constant(2).data[0] !== 0);
  if (trains) throw im.refuse(`a ${im.node.opType} in training mode`, 'Export the model for inference.');
  if (im.usesOutput(1)) throw im.refuse(`the second output of ${im.node.opType}`, 'Export the model for inference.');
  im.bind(im.input(0));
}

/** ONNX Cast between float types: everything is computed in float32 here. */
function parseCast(im: Importer): void {
  const to = im.node.attributes.int('to');
  if (![1, 10, 11].includes(to))
    throw im.refuse('a Cast to another type than float', 'Only Casts between float types are supported.');
  im.bind(im.input(0));
}

/** ONNX Clip: bounds were attributes before opset 11, inputs since; both optional. */
function clipOf(im: Importer): UnaryFunction {
  const bound = (attribute: string, index: number, open: number): number => {
    if (im.node.opset < 11) return im.node.attributes.float(attribute, open);
    return im.has(index) ? im.constant(index).data[0]! : open;
  };
  const [lo, hi] = [bound('min', 1, -Infinity), bound('max', 2, Infinity)];
  if (!(lo <= hi)) throw im.invalid(`its lower bound ${lo} is above its upper bound ${hi}`);
  return { name: 'clip', lo, hi };
}

/** ONNX Pow by one constant. */
function powerOf(im: Importer): UnaryFunction {
  if (im.isConstant(0)) throw im.refuse('a constant to the power of a tensor', 'Write it as Exp of a product.');
  const { data } = im.constant(1);
  if (data.some((v) => v !== data[0])) throw im.refuse('several exponents', 'Give Pow one exponent.');
  return { name: 'power', exponent: data[0]! };
}

function composed(expression: Expression): UnaryFunction {
  return { name: 'composed', expression };
}

const value: Expression = { kind: 'value' };
const apply = (fn: UnaryFunction, to: Expression = value): Expression => ({ kind: 'apply', fn, to });
const scaled = (by: number, to: Expression = value): Expression =>
  apply({ name: 'linear', scale: Math.fround(by), shift: 0 }, to);
const product = (left: Expression, right: Expression): Expression => ({ kind: 'combine', by: 'mul', left, right });
const plusOne = (to: Expression): Expression => apply({ name: 'linear', scale: 1, shift: 1 }, to);

/** x · (1 + g) / 2, g = erf(x / √2), or tanh(√(2/π) · (x + 0.044715 · x³)) where it is approximated. */
function geluOf(im: Importer): UnaryFunction {
  const approximate = im.node.attributes.string('approximate', 'none');
  if (approximate === 'none') {
    return composed(scaled(0.5, product(value, plusOne(apply({ name: 'erf' }, scaled(Math.SQRT1_2))))));
  }
  if (approximate !== 'tanh') throw im.invalid(`its approximation is ${approximate}`);
  const cube = scaled(0.044715, apply({ name: 'power', exponent: 3 }));
  const inner = scaled(Math.sqrt(2 / Math.PI), { kind: 'combine', by: 'add', left: value, right: cube });
  return composed(scaled(0.5, product(value, plusOne(apply({ name: 'tanh' }, inner)))));
}

/** max(x, 0) + min(0, α · (exp(x / α) − 1)) */
function celuOf(im: Importer): UnaryFunction {
  const alpha = im.node.attributes.float('alpha', 1);
  return composed(scaled(alpha, apply({ name: 'elu', alpha: 1 }, scaled(1 / alpha))));
}

/** 0 within ±λ, nearer to 0 by `bias` beyond. */
function shrinkOf(im: Importer): UnaryFunction {
  const [lambd, bias] = [im.node.attributes.float('lambd', 0.5), im.node.attributes.float('bias', 0)];
  if (bias !== 0) throw im.refuse('a Shrink with a bias', 'Only hard shrinking is supported.');
  const beyond = apply({ name: 'thresholdedRelu', alpha: lambd });
  const below = apply({ name: 'thresholdedRelu', alpha: lambd }, apply({ name: 'neg' }));
  return composed({ kind: 'combine', by: 'sub', left: beyond, right: below });
}

function float(node: Node<UnaryOp>, { writer, inputs, output }: FloatIo): void {
  writer.bind(output, writeUnary(writer, node.op.fn, writer.value(inputs[0] as Tensor)));
}

/** Looks each step up in `unaryTable`. */
function integer(node: Node<UnaryOp>, io: IntegerIo): Int8Array {
  const table = unaryTable(node.op.fn, quantOf(io.inputs[0] as Tensor), quantOf(io.output));
  return (io.values[0] as Int8Array).map((q) => table[q + 128]!);
}

function exact(node: Node<UnaryOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [x, y] = [quantOf(io.inputs[0] as Tensor), quantOf(output)];
  const table = Float32Array.from(unaryTable(node.op.fn, x, y), (q) => q - y.zeroPoint);
  const first = writer.constant('first', [], Float32Array.of(x.zeroPoint + 128));
  const index = emitCast(writer, writer.node('Add', [writer.value(io.inputs[0] as Tensor), first]), 'int32');
  writer.bind(output, writer.node('Gather', [writer.constant('table', [256], table), index], { axis: 0 }));
}

const plainParsers = Object.fromEntries(
  Object.entries(plainFunctions).map(([name, [opType]]) => [opType, parseAs(() => ({ name: name as PlainFunction }))]),
);

export const unary: OpDefinition<UnaryOp> = {
  kind: 'unary',
  parsers: {
    ...plainParsers,
    Relu: parseAs(() => ({ name: 'clip', lo: 0, hi: Infinity })),
    Clip: parseAs(clipOf),
    LeakyRelu: parseAs((im) => ({ name: 'leakyRelu', alpha: im.node.attributes.float('alpha', 0.01) })),
    HardSigmoid: parseAs(({ node: { attributes } }) => ({
      name: 'hardSigmoid',
      alpha: attributes.float('alpha', 0.2),
      beta: attributes.float('beta', 0.5),
    })),
    Elu: parseAs((im) => ({ name: 'elu', alpha: im.node.attributes.float('alpha', 1) })),
    Selu: parseAs(({ node: { attributes } }) => ({
      name: 'selu',
      alpha: attributes.float('alpha', Math.fround(1.6732632423543772)),
      gamma: attributes.float('gamma', Math.fround(1.0507009873554805)),
    })),
    Celu: parseAs(celuOf),
    Gelu: parseAs(geluOf),
    Mish: parseAs(() => composed(product(value, apply({ name: 'tanh' }, apply({ name: 'softplus' }))))),
    Pow: parseAs(powerOf),
    Shrink: parseAs(shrinkOf),
    ThresholdedRelu: parseAs((im) => ({
      name: 'thresholdedRelu',
      alpha: im.node.attributes.float('alpha', 1),
    })),
    Identity: parseNothing,
    Dropout: parseNothing,
    Cast: parseCast,
  },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer,
  exact,
};
