import { formatShape, sizeOf, stridesOf } from '../graph/shape.ts';
import type { Node, Shape, SliceOp, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { mismatch } from './errors.ts';
import { storedAxis } from './onnx-writer.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';

/** Elements along one axis. */
interface Range {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly size: number;
}

/** The slice of a tensor along some axes; the tensor itself where that is everything. */
export function emitSlice(im: Importer, x: Tensor, ranges: readonly Range[]): Tensor {
  const starts = x.shape.map(() => 0);
  const steps = x.shape.map(() => 1);
  const sizes = [...x.shape];
  for (const { axis, start, step, size } of ranges) {
    if (size < 1) throw im.refuse('a slice that is empty', 'Remove it from the model.');
    [starts[axis], steps[axis], sizes[axis]] = [start, size === 1 ? 1 : step, size];
  }
  const whole = sizes.every((d, i) => d === x.shape[i] && steps[i] === 1);
  return whole ? x : im.emit({ kind: 'slice', starts, steps, sizes }, [x.id]);
}

/** ONNX Slice: attributes before opset 10, inputs since. */
function parse(im: Importer): void {
  const x = im.input(0);
  const rank = x.shape.length;
  const { attributes, opset } = im.node;
  const given = (name: string, index: number): readonly number[] | undefined => {
    if (opset < 10) return attributes.has(name) ? attributes.ints(name) : undefined;
    return im.has(index) ? Array.from(im.constant(index).data) : undefined;
  };
  const [starts, ends] = [given('starts', 1), given('ends', 2)];
  if (starts === undefined || ends?.length !== starts.length) throw im.invalid('its starts and ends do not fit');
  const axes = given('axes', 3) ?? starts.map((_, i) => i);
  const steps = given('steps', 4) ?? starts.map(() => 1);
  if (axes.length !== starts.length || steps.length !== starts.length) throw im.invalid('its axes or steps do not fit');
  const ranges = axes.map((a, i): Range => {
    const axis = normalizeAxis(im, a, rank);
    return { axis, ...resolve(im, x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!) };
  });
  im.bind(emitSlice(im, x, ranges));
}

/** Ends count from the end where negative, and are cut off at those of the axis. */
function resolve(im: Importer, extent: number, start: number, end: number, step: number): Omit<Range, 'axis'> {
  if (step === 0) throw im.invalid('a step is 0');
  const fromEnd = (v: number): number => (v < 0 ? v + extent : v);
  const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
  const cut = (v: number, lowest: number): number => Math.min(most, Math.max(lowest, fromEnd(v)));
  const [first, last] = [cut(start, 0), cut(end, least)];
  return { start: first, step, size: Math.max(0, Math.ceil((last - first) / step)) };
}

/** ONNX Split: sizes as an attribute before opset 13, an input since, or equal parts (`num_outputs` since 18). */
function parseSplit(im: Importer): void {
  const x = im.input(0);
  const { attributes, opset, outputs } = im.node;
  const axis = normalizeAxis(im, attributes.int('axis', 0), x.shape.length);
  const extent = x.shape[axis]!;
  const listed =
    opset < 13 && attributes.has('split')
      ? attributes.ints('split')
      : im.has(1)
        ? Array.from(im.constant(1).data)
        : undefined;
  const part = Math.ceil(extent / outputs.length);
  const sizes = listed ?? outputs.map((_, i) => Math.min(part, extent - i * part));
  if (sizes.length !== outputs.length || sizes.reduce((a, b) => a + b, 0) !== extent || sizes.some((s) => s < 0)) {
    throw im.invalid(`parts of ${sizes.join(', ')} do not fill axis ${axis} of ${formatShape(x.shape)}`);
  }
  let start = 0;
  sizes.forEach((size, i) => {
    if (im.usesOutput(i)) im.bind(emitSlice(im, x, [{ axis, start, step: 1, size }]), i);
    start += size;
  });
}

/** ONNX Gather of constant indices that follow each other at one distance: a slice. */
function parseGather(im: Importer): void {
  if (im.isConstant(0)) throw im.refuse('a table looked up at run time', 'Look embeddings up in the application.');
  const x = im.input(0);
  const axis = normalizeAxis(im, im.node.attributes.int('axis', 0), x.shape.length);
  const extent = x.shape[axis]!;
  const { data, shape } = im.constant(1);
  const indices = Array.from(data, (i) => (i < 0 ? i + extent : i));
  if (indices.some((i) => i < 0 || i >= extent)) throw im.invalid(`an index exceeds the axis of ${extent}`);
  const [start] = indices;
  const step = indices.length > 1 ? indices[1]! - start! : 1;
  if (step === 0 || indices.some((v, i) => v !== start! + i * step)) {
    throw im.refuse('indices at different distances', 'Only indices that a Slice could take are supported.');
  }
  const part = emitSlice(im, x, [{ axis, start: start!, step, size: indices.length }]);
  const target = [...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)];
  im.bind(shape.length === 1 ? part : im.emit({ kind: 'reshape', shape: target }, [part.id]));
}

function infer({ op, origin }: Node<SliceOp>, inputs: readonly Tensor[]): Shape {
  const { shape } = inputs[0] as Tensor;
  const inside = shape.every((d, axis) => {
    const last = op.starts[axis]! + (op.sizes[axis]! - 1) * op.steps[axis]!;
    return op.starts[axis]! < d && op.starts[axis]! >= 0 && last < d && last >= 0;
  });
  if (inside && shape.length === op.sizes.length) return op.sizes;
  throw mismatch(origin, `a slice to ${formatShape(op.sizes)} leaves ${formatShape(shape)}`);
}

function float({ op }: Node<SliceOp>, { writer, inputs, output }: FloatIo): void {
  const [x] = inputs as [Tensor];
  const rank = x.shape.length;
  const cut = x.shape.flatMap((d, axis) => (op.sizes[axis] === d && op.steps[axis] === 1 ? [] : [axis]));
  const constant = (name: string, of: (axis: number) => number): string =>
    writer.constant(name, [cut.length], Float64Array.from(cut, of));
  const end = (axis: number): number => {
    const last = op.starts[axis]! + op.sizes[axis]! * op.steps[axis]!;
    return last < 0 ? -x.shape[axis]! - 1 : last;
  };
  const operands = [
    constant('starts', (axis) => op.starts[axis]!),
    constant('ends', end),
    constant('axes', (axis) => storedAxis(axis, rank)),
    constant('steps', (axis) => op.steps[axis]!),
  ];
  writer.bind(output, writer.node('Slice', [writer.value(x), ...operands]));
}

/** The steps, moved; input and output have one quantization. */
function integer({ op }: Node<SliceOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const [x] = io.values as [Int8Array];
  const [from, to] = [stridesOf((io.inputs[0] as Tensor).shape), stridesOf(op.sizes)];
  return Int8Array.from({ length: sizeOf(op.sizes) }, (_, i) => {
    const at = op.sizes.reduce(
      (sum, d, axis) => sum + (op.starts[axis]! + (Math.floor(i / to[axis]!) % d) * op.steps[axis]!) * from[axis]!,
      0,
    );
    return x[at]!;
  });
}

export const slice: OpDefinition<SliceOp> = {
  kind: 'slice',
  parsers: { Slice: parse, Split: parseSplit, Gather: parseGather },
  infer,
  float,
  integer,
  exact: float,
};
