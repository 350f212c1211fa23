import { sizeOf } from '../graph/shape.ts';
import type { Node, ResizeOp, Tensor } from '../graph/types.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { emitBounds } from './exact-requantize.ts';
import { emitCast, float64Constant } from './exact-sum.ts';
import { quantOf, requireSameQuant } from './quantized.ts';
import { followsScales, nearestIndices, neighbours, weightBits } from './resize-positions.ts';
import { parseResize, parseUpsample } from './resize-source.ts';

function float({ op }: Node<ResizeOp>, { writer, inputs, output }: FloatIo): void {
  const [x] = inputs as [Tensor];
  const [, height, width] = x.shape as [number, number, number];
  const [n, , , c] = output.shape as [number, number, number, number];
  const scales = writer.constant('scales', [4], Float32Array.of(1, 1, ...op.scales));
  const target = followsScales(op, height, width)
    ? [scales]
    : ['', writer.constant('sizes', [4], Float64Array.of(n, c, ...op.size))];
  const attributes = {
    mode: op.mode,
    coordinate_transformation_mode: op.transform,
    ...(op.mode === 'nearest' && { nearest_mode: op.rounding }),
  };
  writer.bind(output, writer.node('Resize', [writer.value(x), '', ...target], attributes));
}

/**
 * `nearest`: steps are moved. `linear`: with weights v, w in units of 2^−11 for rows and columns (see `neighbours`),
 * `(Σ v·w·q + 2^21) >> 22`, which never leaves the range of the four q. Input and output have one quantization.
 */
function integer(node: Node<ResizeOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const { op } = node;
  const [x] = io.values as [Int8Array];
  const [, height, width, channels] = (io.inputs[0] as Tensor).shape as [number, number, number, number];
  const row = (y: number): number => y * width * channels;
  const pixel = (i: number): [number, number, number] => {
    const at = Math.floor(i / channels);
    const line = Math.floor(at / op.size[1]);
    return [Math.floor(line / op.size[0]) * row(height) + (i % channels), line % op.size[0], at % op.size[1]];
  };
  if (op.mode === 'nearest') {
    const [rows, columns] = [nearestIndices(op, 0, height), nearestIndices(op, 1, width)];
    return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
      const [base, oy, ox] = pixel(i);
      return x[base + row(rows[oy]!) + columns[ox]! * channels]!;
    });
  }
  const [rows, columns] = [neighbours(op, 0, height), neighbours(op, 1, width)];
  const one = 2 ** weightBits;
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const [base, oy, ox] = pixel(i);
    const [v, w] = [rows[oy]!, columns[ox]!];
    const along = (y: number): number => {
      const [a, b] = [w.first, w.second].map((column) => x[base + row(y) + column * channels]!) as [number, number];
      return a * (one - w.weight) + b * w.weight;
    };
    const sum = along(v.first) * (one - v.weight) + along(v.second) * v.weight;
    return Math.floor((sum + one ** 2 / 2) / one ** 2);
  });
}

/** Linear interpolation as products with matrices of weights in float64; sums are below 2^30. */
function exact(node: Node<ResizeOp>, io: ExactIo): void {
  if (node.op.mode === 'nearest') {
    float(node, io);
    return;
  }
  const { writer, output } = io;
  const [x] = io.inputs as [Tensor];
  const [, height, width] = x.shape as [number, number, number];
  const one = 2 ** weightBits;
  const matrix = (axis: 0 | 1, extent: number): number[][] =>
    neighbours(node.op, axis, extent).map(({ first, second, weight }) => {
      const row = new Array<number>(extent).fill(0);
      row[first] = one - weight;
      row[second]! += weight;
      return row;
    });
  const rows = float64Constant(writer, 'rows', [node.op.size[0], height], matrix(0, height).flat());
  const transposed = matrix(1, width);
  const flat = Array.from({ length: width }, (_, i) => transposed.map((row) => row[i]!)).flat();
  const columns = float64Constant(writer, 'columns', [width, node.op.size[1]], flat);
  const wide = emitCast(writer, writer.value(x), 'float64');
  const sum = writer.node('MatMul', [rows, writer.node('MatMul', [wide, columns])]);
  const scaled = writer.node('Mul', [sum, float64Constant(writer, 'unit', [], [one ** -2])]);
  const steps = writer.node('Floor', [writer.node('Add', [scaled, float64Constant(writer, 'half', [], [0.5])])]);
  const { qmin: lo, qmax: hi, zeroPoint } = quantOf(output);
  writer.bind(output, emitBounds(writer, emitCast(writer, steps, 'float32'), { lo, hi, zeroPoint }));
}

export const resize: OpDefinition<ResizeOp> = {
  kind: 'resize',
  parsers: { Resize: parseResize, Upsample: parseUpsample },
  infer({ op }, inputs) {
    const [n, , , c] = (inputs[0] as Tensor).shape as [number, number, number, number];
    return [n, ...op.size, c];
  },
  float,
  integer,
  exact,
};
