import { exhaustive } from '../core/exhaustive.ts';
import type { Node, Tensor, UnaryFunction, UnaryOp } from '../graph/types.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitCast } from './exact-sum.ts';
import { float as floatAttribute } from './onnx-writer.ts';
import { quantOf } from './quantized.ts';
import type { Importer, SourceParser } from './source.ts';
import { unaryTable } from './tables.ts';

function parseAs(functionOf: (im: Importer) => UnaryFunction): SourceParser {
  return (im) => im.bind(im.emit({ kind: 'unary', fn: functionOf(im) }, [im.input(0).id]));
}

/** Nothing happens to the value at inference time. */
function parseNothing(im: Importer): void {
  if (im.usesOutput(1)) throw im.refuse(`the second output of ${im.node.opType}`, 'Export the model for inference.');
  im.bind(im.input(0));
}

/** ONNX Cast between float types: everything is computed in float32 here. */
function parseCast(im: Importer): void {
  const to = im.node.attributes.int('to');
  if (![1, 10, 11, 16].includes(to))
    throw im.refuse('a Cast to integers', 'Only Casts between float types are supported.');
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

function float(node: Node<UnaryOp>, io: FloatIo): void {
  const { fn } = node.op;
  const { writer } = io;
  const x = writer.value(io.inputs[0] as Tensor);
  const write = (): string => {
    switch (fn.name) {
      case 'identity':
        return x;
      case 'clip':
        return emitClamp(writer, x, fn);
      case 'leakyRelu':
        return writer.node('LeakyRelu', [x], { alpha: floatAttribute(fn.alpha) });
      case 'linear': {
        const constant = (value: number): string => writer.constant('linear', [], Float32Array.of(value));
        return writer.node('Add', [writer.node('Mul', [x, constant(fn.scale)]), constant(fn.shift)]);
      }
      case 'sigmoid':
        return writer.node('Sigmoid', [x]);
      case 'tanh':
        return writer.node('Tanh', [x]);
      case 'hardSigmoid':
        return writer.node('HardSigmoid', [x], { alpha: floatAttribute(fn.alpha), beta: floatAttribute(fn.beta) });
      case 'hardSwish':
        return writer.node('HardSwish', [x]);
      default:
        return exhaustive(fn);
    }
  };
  writer.bind(io.output, write());
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

export const unary: OpDefinition<UnaryOp> = {
  kind: 'unary',
  parsers: {
    Relu: parseAs(() => ({ name: 'clip', lo: 0, hi: Infinity })),
    Clip: parseAs(clipOf),
    LeakyRelu: parseAs((im) => ({ name: 'leakyRelu', alpha: im.node.attributes.float('alpha', 0.01) })),
    Sigmoid: parseAs(() => ({ name: 'sigmoid' })),
    Tanh: parseAs(() => ({ name: 'tanh' })),
    HardSigmoid: parseAs(({ node: { attributes } }) => ({
      name: 'hardSigmoid',
      alpha: attributes.float('alpha', 0.2),
      beta: attributes.float('beta', 0.5),
    })),
    HardSwish: parseAs(() => ({ name: 'hardSwish' })),
    Identity: parseNothing,
    Dropout: parseNothing,
    Cast: parseCast,
  },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
  integer,
  exact,
};
