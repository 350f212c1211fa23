import { sizeOf } from '../graph/shape.ts';
import type { ArgMaxOp, Node, QuantParams, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitCast } from './exact-sum.ts';
import { storedAxis } from './onnx-writer.ts';
import type { Importer, SourceParser } from './source.ts';

/** Indices 0 to 255 as the steps −128 to 127. */
export const indexGrid: QuantParams = { scale: [1], zeroPoint: -128, qmin: -128, qmax: 127 };
const mostElements = 256;

/** ONNX ArgMax; ArgMin is that of the negated values. */
function parseAs(negated: boolean): SourceParser {
  return (im: Importer) => {
    const { attributes } = im.node;
    const x = im.input(0);
    const axis = normalizeAxis(im, attributes.int('axis', 0), x.shape.length);
    const count = x.shape[axis]!;
    if (count > mostElements) {
      throw im.refuse(
        `an index of ${count} elements`,
        `An index has 8 bits: at most ${mostElements}. End the model at the scores and take the largest in the application.`,
      );
    }
    const last = attributes.int('select_last_index', 0) !== 0;
    const values = negated ? im.emit({ kind: 'unary', fn: { name: 'neg' } }, [x.id]) : x;
    const y = im.emit({ kind: 'argMax', axis, last }, [values.id]);
    const kept = x.shape.filter((_, i) => i !== axis);
    im.bind(
      attributes.int('keepdims', 1) !== 0 || kept.length === 0 ? y : im.emit({ kind: 'reshape', shape: kept }, [y.id]),
    );
  };
}

/** The index, as a real number. */
function float({ op }: Node<ArgMaxOp>, { writer, inputs, output }: FloatIo): void {
  const attributes = {
    axis: storedAxis(op.axis, output.shape.length),
    select_last_index: op.last ? 1 : 0,
    keepdims: 1,
  };
  const index = writer.node('ArgMax', [writer.value(inputs[0] as Tensor)], attributes);
  writer.bind(output, emitCast(writer, index, 'float32'));
}

/** The index of the largest step, less 128: the first or the last of equal ones. */
function integer({ op }: Node<ArgMaxOp>, io: IntegerIo): Int8Array {
  const [x] = io.values as [Int8Array];
  const { shape } = io.inputs[0] as Tensor;
  const count = shape[op.axis]!;
  const inner = sizeOf(shape.slice(op.axis + 1));
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const first = Math.floor(i / inner) * count * inner + (i % inner);
    let best = 0;
    for (let k = 1; k < count; k++) {
      const [q, most] = [x[first + k * inner]!, x[first + best * inner]!];
      if (q > most || (op.last && q === most)) best = k;
    }
    return best - 128;
  });
}

export const argMax: OpDefinition<ArgMaxOp> = {
  kind: 'argMax',
  parsers: { ArgMax: parseAs(false), ArgMin: parseAs(true) },
  infer: ({ op }, inputs) => (inputs[0] as Tensor).shape.map((d, axis) => (axis === op.axis ? 1 : d)),
  float,
  integer,
  exact: float,
};
