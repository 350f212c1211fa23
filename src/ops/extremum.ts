import { sizeOf } from '../graph/shape.ts';
import type { ExtremumOp, Node, Tensor, UnaryFunction } from '../graph/types.ts';
import { alignedTensors, broadcastIndices, broadcastShape } from './broadcast.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer, SourceParser } from './source.ts';

/** ONNX Max and Min of any number of inputs, one after the other; with a single constant value it is a clip. */
function parseAs(fn: ExtremumOp['fn']): SourceParser {
  return (im: Importer) => {
    const [first, ...rest] = im.node.inputs.map((_, i) => i).sort((a, b) => rank(im, a) - rank(im, b));
    if (first === undefined) throw im.invalid('it has no input');
    im.bind(
      rest.reduce((so, i) => {
        if (im.isConstant(i) && im.constant(i).data.length === 1 && im.constant(i).shape.length <= so.shape.length) {
          return im.emit({ kind: 'unary', fn: clipBy(fn, im.constant(i).data[0]!) }, [so.id]);
        }
        const operands = alignedTensors(im, so, im.input(i));
        return im.emit(
          { kind: 'extremum', fn },
          operands.map((t) => t.id),
        );
      }, im.input(first)),
    );
  };
}

/** Computed tensors first. */
function rank(im: Importer, index: number): number {
  return im.isConstant(index) ? 1 : 0;
}

function clipBy(fn: ExtremumOp['fn'], bound: number): UnaryFunction {
  return fn === 'max' ? { name: 'clip', lo: bound, hi: Infinity } : { name: 'clip', lo: -Infinity, hi: bound };
}

function float(node: Node<ExtremumOp>, { writer, inputs, output }: FloatIo): void {
  const operands = inputs.map((t) => writer.value(t));
  writer.bind(output, writer.node(node.op.fn === 'max' ? 'Max' : 'Min', operands));
}

/** The larger or smaller step; inputs and output have one quantization. */
function integer(node: Node<ExtremumOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const [a, b] = io.values as [Int8Array, Int8Array];
  const [atA, atB] = io.inputs.map((t: Tensor) => broadcastIndices(t.shape, io.output.shape)) as [
    Int32Array,
    Int32Array,
  ];
  const pick = node.op.fn === 'max' ? Math.max : Math.min;
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => pick(a[atA[i]!]!, b[atB[i]!]!));
}

export const extremum: OpDefinition<ExtremumOp> = {
  kind: 'extremum',
  parsers: { Max: parseAs('max'), Min: parseAs('min') },
  infer: ({ origin }, inputs) => broadcastShape(origin, inputs),
  float,
  integer,
  exact: float,
};
